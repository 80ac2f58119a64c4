// Request and response schemas of admin tokens.
import { z } from '@hono/zod-openapi'
import { moment, printable, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'

const tokenSchema = z
  .object({
    id: uuidv7,
    name: z.string(),
    createdAt: moment,
    lastUsedAt: moment.optional(),
    revokedAt: moment.optional(),
  })
  .openapi('Token')

export const tokenList = z.object({ items: z.array(tokenSchema) }).openapi('TokenList')
export type TokenList = Given<typeof tokenList>

export const tokenCreate = z
  .strictObject({ name: printable(128).openapi({ example: 'provisioning' }) })
  .openapi('TokenCreate')

export const newToken = tokenSchema
  .extend({ token: z.string().openapi({ description: 'Shown only once.' }) })
  .openapi('NewToken')
export type NewToken = Given<typeof newToken>
