// /metrics: for Prometheus. Requests from subnets of the settings need no token.
import { z } from '@hono/zod-openapi'
import { metricsContentType } from '../../lib/metrics.ts'
import { endpoint } from '../http/endpoint.ts'

export const get = endpoint({
  operationId: 'getMetrics',
  action: 'system.read',
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
