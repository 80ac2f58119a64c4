// /metrics: for Prometheus. Requests from subnets of the settings need no token.
import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { metricsContentType } from '../../lib/metrics.ts'
import { plainAddress } from '../../lib/subnet.ts'
import { requireToken } from '../access/tokens.ts'
import { type AdminDeps, type ApiEnv, endpoint } from '../http/endpoint.ts'

export const get = endpoint({
  operationId: 'getMetrics',
  summary: 'Get the metrics of this server, in the text format of Prometheus',
  description:
    'Counters are of this server only, and begin at 0 when it starts. Addresses in BOOTWRIGHT_METRICS_SUBNETS need no token.',
  returns: z.string(),
  returnsType: 'text/plain',
  statuses: { 200: 'The metrics' },
  answer: async ({ metrics }) => ({
    status: 200,
    body: await metrics.scrape(),
    headers: { 'content-type': metricsContentType },
  }),
})

/** Lets requests with a valid token through, and requests from the subnets of the settings. */
export function requireScraper(deps: Pick<AdminDeps, 'db' | 'metrics' | 'mayScrape'>): MiddlewareHandler<ApiEnv> {
  const withToken = requireToken(deps.db, deps.metrics)
  return (context, next) => {
    const { incoming } = (context.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } }
    const address = plainAddress(incoming?.socket?.remoteAddress)
    // A proxy hides the client: its own address proves nothing.
    const isForwarded = ['forwarded', 'x-forwarded-for'].some((name) => context.req.header(name) !== undefined)
    if (isForwarded || !deps.mayScrape(address)) return withToken(context, next)
    context.set('actor', 'operator')
    return next()
  }
}
