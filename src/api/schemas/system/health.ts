// Response schema of the server's health.
import { z } from '@hono/zod-openapi'
import { databaseStates } from '../../../inventory/system/health.ts'

export const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded']),
    database: z.enum(databaseStates),
    version: z.string().openapi({ description: 'Version of the server.', example: '0.1.0' }),
    reason: z.string().optional().openapi({
      description: 'Why nothing can be changed, and the next step.',
      example: 'the disk of the database is full: expected at least 33554432 free bytes, got 1048576',
    }),
  })
  .openapi('Health')
