// A log line and a count for each request to the admin listener.
import type { MiddlewareHandler } from 'hono'
import { pathForLog } from '../../lib/log.ts'
import type { AdminDeps, ApiEnv } from './endpoint.ts'

/** `routeOf` gives the pattern of a path, for the metrics. */
export function requestLog(
  { log, metrics }: Pick<AdminDeps, 'log' | 'metrics'>,
  routeOf: (path: string) => string,
): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const startedAt = performance.now()
    await next()
    const ms = performance.now() - startedAt
    const { status } = context.res
    metrics.request('admin', routeOf(context.req.path), status, ms / 1000)
    // Reads are frequent: a page or a monitor asks every few seconds.
    const level = ['GET', 'HEAD'].includes(context.req.method) && status < 500 ? 'debug' : 'info'
    log[level](
      {
        listener: 'admin',
        method: context.req.method,
        path: pathForLog(context.req.path),
        status,
        ms: Math.round(ms),
        actor: context.get('principal')?.actor,
      },
      'request',
    )
  }
}
