import { z } from '@hono/zod-openapi'
import { v7 as newId } from 'uuid'
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  listDead,
  listWebhooks,
  openWebhook,
  reviveDead,
} from '../../inventory/changes/webhooks.ts'
import { sendMessage } from '../../jobs/webhook-message.ts'
import { messageOf } from '../../lib/errors.ts'
import { endpoint } from '../http/endpoint.ts'
import { moment, uuidv7, withoutNulls } from '../schemas/common.ts'
import { changeFilter } from './changes.ts'

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
  .openapi({ description: 'Types of changes, or their nouns; none means all.', example: ['deployment', 'boot.failed'] })

const webhookSchema = z
  .object({
    id: uuidv7,
    url,
    types: z.array(z.string()),
    active: z.boolean().openapi({ description: 'False also after the receiver answered 410 Gone.' }),
    createdAt: moment,
    updatedAt: moment,
  })
  .openapi('Webhook', { description: 'Where changes are sent, signed as Standard Webhooks says.' })

const deadSchema = z
  .object({
    id: uuidv7,
    changeId: z.int(),
    body: z.string(),
    attempts: z.int(),
    error: z.string().optional(),
    createdAt: moment,
  })
  .openapi('DeadMessage')

const params = z.object({ id: uuidv7 })
const testTimeoutMs = 10_000

async function sendTest({ id: subject, url, secret }: { id: string; url: string; secret: string }, by: string) {
  const id = newId()
  const message = { type: 'webhook.test', timestamp: new Date().toISOString(), data: { actor: by, subject } }
  const sent = sendMessage({ id, url, secret, body: JSON.stringify(message) }, testTimeoutMs)
  return sent.then(
    (status) => ({ delivered: status >= 200 && status < 300, status, message }),
    (error: unknown) => ({ delivered: false, error: messageOf(error), message }),
  )
}

export const list = endpoint({
  operationId: 'listWebhooks',
  summary: 'Webhooks, without their secrets',
  returns: z.object({ items: z.array(webhookSchema) }).openapi('WebhookList'),
  statuses: { 200: 'The webhooks' },
  answer: async ({ db }) => ({ status: 200, body: { items: await listWebhooks(db) } }),
})

export const create = endpoint({
  operationId: 'createWebhook',
  summary: 'Send changes from now on to a URL',
  description:
    'Each message is {"type", "timestamp", "data"}, signed with webhook-id, webhook-timestamp and webhook-signature. What is not answered with 2xx within 10 s is sent again, ten times over about a day, then it is in the list of dead messages. A change that is about a machine names it in `data.machine`, by id, mac and hostname. Messages may come twice, and out of order: webhook-id and data.id tell. One of a change made just before may be the first.',
  body: z.strictObject({ url, types: types.default([]) }).openapi('WebhookCreate'),
  returns: webhookSchema
    .extend({ secret: z.string().openapi({ description: 'Shown this once.' }) })
    .openapi('NewWebhook'),
  statuses: { 201: 'The webhook' },
  answer: async ({ db, sealer }, { body, by }) => ({ status: 201, body: await createWebhook(db, sealer, body, by) }),
})

export const patch = endpoint({
  operationId: 'patchWebhook',
  summary: 'Change a webhook, or switch it off and on',
  params,
  body: z
    .strictObject({ url: url.optional(), types: types.optional(), active: z.boolean().optional() })
    .openapi('WebhookPatch'),
  returns: webhookSchema,
  statuses: { 200: 'The webhook, changed' },
  answer: async ({ db }, { params: { id }, body, by }) => ({
    status: 200,
    body: await changeWebhook(db, id, body, by),
  }),
})

export const remove = endpoint({
  operationId: 'deleteWebhook',
  summary: 'Delete a webhook, with its messages',
  params,
  statuses: { 204: 'It is gone' },
  answer: async ({ db }, { params: { id }, by }) => {
    await deleteWebhook(db, id, by)
    return { status: 204 }
  },
})

export const test = endpoint({
  operationId: 'testWebhook',
  summary: 'Send a test message to a webhook now',
  description:
    'A message of the type `webhook.test`, signed like every other, also to a webhook that is switched off. It is sent once; the answer tells what the receiver said.',
  params,
  returns: z
    .object({
      delivered: z.boolean().openapi({ description: 'The receiver answered with 2xx.' }),
      status: z.int().optional().openapi({ description: 'What it answered; absent when there was no answer.' }),
      error: z.string().optional(),
      message: z.unknown().openapi({ description: 'The message that was sent.' }),
    })
    .openapi('WebhookTested'),
  statuses: { 200: 'What the receiver answered' },
  answer: async ({ db, sealer }, { params: { id }, by }) => {
    const hook = await openWebhook(db, sealer, id)
    return { status: 200, body: await sendTest(hook, by) }
  },
})

export const dead = endpoint({
  operationId: 'listDeadMessages',
  summary: 'The messages of a webhook that were given up',
  params,
  returns: z.object({ items: z.array(deadSchema) }).openapi('DeadMessageList'),
  statuses: { 200: 'The messages, oldest first' },
  answer: async ({ db }, { params: { id } }) => ({
    status: 200,
    body: { items: (await listDead(db, id)).map(withoutNulls) },
  }),
})

export const retry = endpoint({
  operationId: 'retryDeadMessage',
  summary: 'Send a message that was given up again',
  params: z.object({ id: uuidv7, message: uuidv7 }),
  statuses: { 204: 'It will be sent' },
  answer: async ({ db }, { params: { id, message } }) => {
    await reviveDead(db, id, message)
    return { status: 204 }
  },
})
