// The pages for people, with what they need of the server, and the admin listener's application.
import { oidcClientOf } from '../auth/oidc-client.ts'
import type { SignInDeps } from '../auth/sign-in-deps.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { readVersion } from '../lib/program-dir.ts'
import type { Sealer } from '../lib/seal.ts'
import { proxyTest } from '../lib/subnet.ts'
import { openAssets } from '../ui/http/assets.ts'
import type { Fetch } from '../ui/http/client.ts'
import { findPersonBy } from '../ui/http/session.ts'
import { openViews } from '../ui/http/views.ts'
import { createUi } from '../ui/routes.ts'

/** @param fetch the API in this process */
export function openUi(
  config: Config,
  signIn: SignInDeps,
  sealer: Sealer,
  fetch: Fetch,
  log: Logger,
  metrics: Metrics,
) {
  const { admin, command } = config
  const cookies = { plainHttp: admin.plainHttp && !admin.url?.startsWith('https:') }
  const ui = createUi({
    ...{ fetch, signIn, cookies },
    oidc: oidcClientOf(config, sealer),
    adminUrl: admin.url,
    isTrustedProxy: proxyTest(config.boot.trustedProxies),
    views: openViews(),
    assets: openAssets(),
    siteName: config.site.name,
    version: readVersion(),
    command,
    log,
    metrics,
  })
  return { ui, findPerson: findPersonBy(signIn, cookies) }
}
