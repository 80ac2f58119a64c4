// Response schemas of the server's health and readiness.
import { z } from '@hono/zod-openapi'
import { databaseStates } from '../../../inventory/system/health.ts'
import { degradations } from '../../../inventory/system/readiness.ts'
import { moment } from '../common.ts'

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

export const readinessSchema = z
  .object({
    status: z.enum(['ready', 'degraded', 'unready']).openapi({
      description:
        '`unready`: the server cannot decide what machines boot. `degraded`: machines boot, with the limits in `degraded`.',
    }),
    degraded: z.array(
      z.object({
        reason: z.enum(degradations),
        detail: z.string().openapi({ example: '3211264 bytes of records wait for the database' }),
        since: moment.optional(),
      }),
    ),
    version: z.string().openapi({ description: 'Version of the server.', example: '0.1.0' }),
  })
  .openapi('Readiness')
