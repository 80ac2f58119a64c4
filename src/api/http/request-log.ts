// A log line and a count for each request to the admin listener.
import type { MiddlewareHandler } from 'hono'
import { isRead } from '../../auth/hosts.ts'
import { pathForLog } from '../../lib/log.ts'
import type { AdminDeps, ApiEnv } from './endpoint.ts'

type LogDeps = Pick<AdminDeps, 'log' | 'metrics'>

/** `routeOf` gives the pattern of a path, for the metrics. */
export function requestLog(deps: LogDeps, routeOf: (path: string) => string): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const { method, path } = context.req
    const startedAt = performance.now()
    await next()
    const actor = context.get('principal')?.actor
    recordRequest(deps, { method, path, route: routeOf(path), status: context.res.status, startedAt, actor })
  }
}

/** Logs and counts a request that is answered. @param startedAt by `performance.now()` */
export function recordRequest(
  { log, metrics }: LogDeps,
  { method, path, route, status, startedAt, actor }: RequestFacts,
): void {
  const ms = performance.now() - startedAt
  metrics.request('admin', route, status, ms / 1000)
  // Reads are frequent: a page or a monitor asks every few seconds.
  const level = isRead(method) && status < 500 ? 'debug' : 'info'
  log[level]({ listener: 'admin', method, path: pathForLog(path), status, ms: Math.round(ms), actor }, 'request')
}

type RequestFacts = {
  method: string
  path: string
  /** The pattern of the path, for the metrics. */
  route: string
  status: number
  startedAt: number
  actor?: string | undefined
}
