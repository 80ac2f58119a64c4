// The bootstrap: every machine's first script. It sends the machine's facts to `/ipxe` (script.ts). Called by routes.ts.
import type { BootDeps } from './http/deps.ts'
import { addressOf, type BootContext, baseUrlOf, isIpxe } from './http/request.ts'
import { scriptResponse } from './http/script-response.ts'

/** `/boot.ipxe`: with relative URLs, which iPXE resolves against the URL of this script. */
export function serveBootstrap(context: BootContext, deps: BootDeps): Response {
  return answerBootstrap(context, deps, deps.settings.baseUrl ?? '')
}

/** `/autoexec.ipxe`: with full URLs, because iPXE runs this script without a URL to resolve relative URLs against. */
export function serveWholeBootstrap(context: BootContext, deps: BootDeps): Response {
  return answerBootstrap(context, deps, baseUrlOf(context, deps.settings.baseUrl))
}

function answerBootstrap(context: BootContext, { scripts, inventory }: BootDeps, base: string): Response {
  if (isIpxe(context) && context.req.method === 'GET')
    inventory.events.record({ ip: addressOf(context), stage: 'bootstrap' })
  return scriptResponse(scripts.bootstrap(base))
}
