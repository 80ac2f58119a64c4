// What the admin listener serves: the pages for people and the API for programs, to hosts that it knows.
import { createHostTest, isSameOrigin } from '../../auth/hosts.ts'
import type { Principal } from '../../auth/principal.ts'
import { type Logger, pathForLog } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'

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
const apiPaths = /^\/(api|healthz|metrics)(\/|$)/

export function createAdminFetch({ api, ui, findPerson, adminUrl, hosts, log, metrics }: AdminParts): App['fetch'] {
  const isKnownHost = createHostTest(adminUrl, hosts)
  /** Counts and logs a request for a page. The API logs its own requests. */
  const logged = async (method: string, path: string, answer: () => Response | Promise<Response>) => {
    const startedAt = performance.now()
    const response = await answer()
    const ms = performance.now() - startedAt
    metrics.request('admin', path.startsWith('/assets/') ? '/assets' : 'pages', response.status, ms / 1000)
    const level = ['GET', 'HEAD'].includes(method) && response.status < 500 ? 'debug' : 'info'
    log[level](
      { listener: 'admin', method, path: pathForLog(path), status: response.status, ms: Math.round(ms) },
      'request',
    )
    return response
  }
  /** RFC 9110, 15.5.20: the server does not answer for this host. */
  const refuseHost = (host: string | undefined): Response => {
    const code = 'BW-ACCESS-HOST'
    log.warn({ code, host: host?.slice(0, 100) }, 'request refused')
    metrics.adminRefused(code)
    const detail =
      'the host name of this request is not a name of this server. ' +
      'Next step: set BOOTWRIGHT_ADMIN_URL or BOOTWRIGHT_ADMIN_HOSTS to the name that you use'
    return problem(421, 'Misdirected Request', detail, code)
  }
  const refuseOrigin = (method: string, path: string, { actor }: Principal): Response => {
    const code = 'BW-ACCESS-ORIGIN'
    log.warn({ code, method, path: pathForLog(path), actor }, 'request refused')
    metrics.adminRefused(code)
    const detail =
      'this request was not sent by a page of this server. Next step: reload the page, or use a token in a program'
    return problem(403, 'Forbidden', detail, code)
  }
  return async (request, env) => {
    const header = (name: string) => request.headers.get(name) ?? undefined
    const { host, pathname } = new URL(request.url)
    // A request line may name a host too (RFC 9112, 3.2.2).
    if (!isKnownHost(header('host')) || !isKnownHost(host)) return refuseHost(header('host'))
    if (!apiPaths.test(pathname)) return logged(request.method, pathname, () => ui.fetch(request, env))
    const cookies = header('authorization') === undefined ? header('cookie') : undefined
    if (cookies === undefined) return api.fetch(request, env)
    const principal = await findPerson(cookies)
    if (principal !== undefined && !mayUseSession(request.method, header))
      return refuseOrigin(request.method, pathname, principal)
    return api.fetch(request, { ...env, principal })
  }
}

/** Only a page of this server changes something with a session (CSRF). */
function mayUseSession(method: string, header: (name: string) => string | undefined): boolean {
  return ['GET', 'HEAD'].includes(method) || isSameOrigin(header)
}

function problem(status: number, title: string, detail: string, code: string): Response {
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  return Response.json({ type: 'about:blank', title, status, detail, code }, { status, headers })
}
