import { z } from '@hono/zod-openapi'
import { endpoint } from './endpoint.ts'

const healthSchema = z
  .object({ status: z.enum(['ok', 'degraded']), database: z.enum(['ok', 'few connections', 'away']) })
  .openapi('Health')

export const get = endpoint({
  operationId: 'getHealth',
  summary: 'Whether the server can do all that it should',
  open: true,
  returns: healthSchema,
  statuses: {
    200: 'All is well, or the database server has too few connections and answers late',
    503: 'Boots go on with the last known decisions; the inventory cannot be read or changed',
  },
  answer: async ({ databaseAnswers, databaseIsShort }) => {
    const answers = await databaseAnswers().catch(() => false)
    if (!answers) return { status: 503 as const, body: { status: 'degraded' as const, database: 'away' as const } }
    if (databaseIsShort())
      return { status: 200 as const, body: { status: 'degraded' as const, database: 'few connections' as const } }
    return { status: 200 as const, body: { status: 'ok' as const, database: 'ok' as const } }
  },
})
