// What the admin listener serves: the pages for people and the API for programs, to hosts that it knows.
import { databaseUnreachable, problem } from '../../api/http/problems.ts'
import { recordRequest } from '../../api/http/request-log.ts'
import { createHostTest, mayUseSession } from '../../auth/hosts.ts'
import type { Principal } from '../../auth/principal.ts'
import { type Logger, pathForLog } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { isOutage } from '../../lib/outage.ts'

type App = { fetch: (request: Request, env?: object) => Response | Promise<Response> }

export type AdminParts = {
  api: App
  ui: App
  /** The person of the session in a Cookie header. Scripts of the pages ask the API with it. */
  findPerson: (cookies: string) => Promise<Principal | undefined>
  /** The URL of the page in the settings, and further host names. */
  adminUrl: string | undefined
  hosts: string[]
  log: Logger
  metrics: Metrics
}

/** Paths of programs. All other paths are pages. */
const apiPaths = /^\/(api|healthz|readyz|metrics)(\/|$)/

/** Open to all, and without a look-up of the session: these paths answer also while the database is unreachable. */
const healthPaths = /^\/(healthz|readyz)$/

const otherHost =
  'the host name of this request is not a name of this server. ' +
  'Next step: set BOOTWRIGHT_ADMIN_URL or BOOTWRIGHT_ADMIN_HOSTS to the name that you use'
const otherOrigin =
  'this request was not sent by a page of this server. Next step: reload the page, or use a token in a program'

export function createAdminFetch({ api, ui, findPerson, adminUrl, hosts, log, metrics }: AdminParts): App['fetch'] {
  const isKnownHost = createHostTest(adminUrl, hosts)
  const refuse = (status: number, code: string, facts: Record<string, string | undefined>, detail: string) => {
    log.warn({ code, ...facts }, 'request refused')
    metrics.adminRefused(code)
    return problem({ status, code, detail })
  }
  const answerPage = async (request: Request, path: string, env: object | undefined) => {
    const startedAt = performance.now()
    const response = await ui.fetch(request, env)
    const route = path.startsWith('/assets/') ? '/assets' : 'pages'
    recordRequest({ log, metrics }, { method: request.method, path, route, status: response.status, startedAt })
    return response
  }
  return async (request, env) => {
    const header = (name: string) => request.headers.get(name) ?? undefined
    const { host, pathname } = new URL(request.url)
    // A request line may name a host too (RFC 9112, 3.2.2).
    if (!isKnownHost(header('host')) || !isKnownHost(host))
      // RFC 9110, 15.5.20: the server does not answer for this host.
      return refuse(421, 'BW-ACCESS-HOST', { host: header('host')?.slice(0, 100) }, otherHost)
    if (!apiPaths.test(pathname)) return answerPage(request, pathname, env)
    const cookies = header('authorization') === undefined ? header('cookie') : undefined
    if (cookies === undefined || healthPaths.test(pathname)) return api.fetch(request, env)
    const principal = await findPerson(cookies).catch((error: unknown) => {
      if (isOutage(error)) return 'unreachable' as const
      throw error
    })
    if (principal === 'unreachable') return problem(databaseUnreachable)
    if (principal !== undefined && !mayUseSession(request.method, header)) {
      const facts = { method: request.method, path: pathForLog(pathname), actor: principal.actor }
      return refuse(403, 'BW-ACCESS-ORIGIN', facts, otherOrigin)
    }
    return api.fetch(request, { ...env, principal })
  }
}
