// Request and response schemas of webhooks.
import { z } from '@hono/zod-openapi'
import { moment, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'
import { changeFilter } from './change.ts'

const url = z
  .string()
  .max(2048, 'at most 2048 characters')
  .refine(
    (text) => /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).username === '',
    'http:// or https://, without a password',
  )
  .openapi({ example: 'https://cmdb.example.org/bootwright' })
const types = z
  .array(changeFilter)
  .max(32, 'at most 32 types')
  .openapi({
    description: 'Types of changes, or their nouns. An empty list means all.',
    example: ['deployment', 'boot.failed'],
  })

export const webhookSchema = z
  .object({
    id: uuidv7,
    url,
    types: z.array(z.string()),
    active: z.boolean().openapi({ description: 'Also false after the receiver answered 410 Gone.' }),
    createdAt: moment,
    updatedAt: moment,
  })
  .openapi('Webhook', { description: 'A URL that changes are sent to, signed as Standard Webhooks specifies.' })
export type Webhook = Given<typeof webhookSchema>

export const webhookList = z.object({ items: z.array(webhookSchema) }).openapi('WebhookList')
export type WebhookList = Given<typeof webhookList>

export const webhookCreate = z.strictObject({ url, types: types.default([]) }).openapi('WebhookCreate')

export const newWebhook = webhookSchema
  .extend({ secret: z.string().openapi({ description: 'Shown only once.' }) })
  .openapi('NewWebhook')
export type NewWebhook = Given<typeof newWebhook>

export const webhookPatch = z
  .strictObject({ url: url.optional(), types: types.optional(), active: z.boolean().optional() })
  .openapi('WebhookPatch')

export const webhookTested = z
  .object({
    delivered: z.boolean().openapi({ description: 'The receiver answered with 2xx.' }),
    status: z.int().optional().openapi({ description: "The receiver's status; absent if it did not answer." }),
    error: z.string().optional(),
    message: z.unknown().openapi({ description: 'The message that was sent.' }),
  })
  .openapi('WebhookTested')
export type WebhookTested = Given<typeof webhookTested>

export const deadMessageList = z
  .object({
    items: z.array(
      z
        .object({
          id: uuidv7,
          changeId: z.int(),
          body: z.string(),
          attempts: z.int(),
          error: z.string().optional(),
          createdAt: moment,
        })
        .openapi('DeadMessage'),
    ),
  })
  .openapi('DeadMessageList')
export type DeadMessageList = Given<typeof deadMessageList>
