// Request and response schemas of admin tokens.
import { z } from '@hono/zod-openapi'
import { labelPattern } from '../../../lib/ids/names.ts'
import { roles } from '../../../model/access/role.ts'
import { instant, moment, printable, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'

const labelScope = z
  .record(z.string().regex(labelPattern, 'a label: a-z, 0-9 and . _ / -, up to 63 characters'), printable(253))
  .refine((labels) => Object.keys(labels).length > 0, 'at least one label')
  .refine((labels) => Object.keys(labels).length <= 16, 'at most 16 labels')
  .openapi({
    description:
      'The token is only for machines that have all these labels. Without it, the token is for all machines.',
    example: { rack: 'b4' },
  })

const tokenSchema = z
  .object({
    id: uuidv7,
    name: z.string(),
    role: z.enum(roles),
    scope: labelScope.optional(),
    expiresAt: moment.optional().openapi({ description: 'The token is invalid from this time on.' }),
    createdAt: moment,
    lastUsedAt: moment.optional(),
    revokedAt: moment.optional(),
  })
  .openapi('Token')

export const tokenList = z.object({ items: z.array(tokenSchema) }).openapi('TokenList')
export type TokenList = Given<typeof tokenList>

export const tokenCreate = z
  .strictObject({
    name: printable(128).openapi({ example: 'provisioning' }),
    role: z.enum(roles).default('admin').openapi({
      description: 'A viewer reads, an operator also changes machines and images, an admin may do everything.',
    }),
    scope: labelScope.optional(),
    expiresAt: instant
      .refine((end) => end.getTime() > Date.now(), 'a time in the future')
      .optional()
      .openapi({ description: 'Without it, the token is valid until it is revoked.' }),
  })
  .openapi('TokenCreate')

export const newToken = tokenSchema
  .extend({ token: z.string().openapi({ description: 'Shown only once.' }) })
  .openapi('NewToken')
export type NewToken = Given<typeof newToken>
