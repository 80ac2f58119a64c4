import { z } from '@hono/zod-openapi'
import { databaseStates, findHealth } from '../../inventory/system/health.ts'
import { endpoint } from '../http/endpoint.ts'

const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded']),
    database: z.enum(databaseStates),
    version: z.string().openapi({ description: 'Version of the server.', example: '0.1.0' }),
    reason: z.string().optional().openapi({
      description: 'Why nothing can be changed, and the next step.',
      example: 'the disk of the database is full: expected at least 33554432 bytes free, got 1048576',
    }),
  })
  .openapi('Health')

export const get = endpoint({
  operationId: 'getHealth',
  summary: 'Whether the server can do all that it should',
  open: true,
  returns: healthSchema,
  statuses: {
    200: 'All is well, or the database server has too few connections and answers late',
    503: 'The inventory cannot be read or changed. Do not restart the server for that: it goes on by itself once the cause is gone',
  },
  answer: async (deps) => {
    const { code, health } = await findHealth(deps)
    return { status: code, body: health }
  },
})
