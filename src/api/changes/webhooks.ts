// /webhooks: changes that are sent to other systems.
import { z } from '@hono/zod-openapi'
import { sendMessage } from '../../bytes/fetch/signed-message.ts'
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  listDead,
  listWebhooks,
  openWebhook,
  reviveDead,
} from '../../inventory/changes/webhooks.ts'
import { messageOf } from '../../lib/errors.ts'
import { newId } from '../../lib/ids/uuid.ts'
import { endpoint } from '../http/endpoint.ts'
import { withoutNulls } from '../http/page.ts'
import {
  deadMessageList,
  newWebhook,
  webhookCreate,
  webhookList,
  webhookPatch,
  webhookSchema,
  webhookTested,
} from '../schemas/changes/webhook.ts'
import { uuidv7 } from '../schemas/common.ts'

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
  action: 'webhooks.edit',
  summary: 'List webhooks, without their secrets',
  returns: webhookList,
  statuses: { 200: 'The webhooks' },
  answer: async ({ db }) => ({ status: 200, body: { items: await listWebhooks(db) } }),
})

export const create = endpoint({
  operationId: 'createWebhook',
  action: 'webhooks.edit',
  summary: 'Create a webhook: send changes to a URL from now on',
  description:
    'Each message is {"type", "timestamp", "data"}, signed with webhook-id, webhook-timestamp and webhook-signature. If the receiver does not answer with 2xx within 10 s, the message is redelivered ten times over about a day. After the last failure, it is in the list of dead messages. If the change is about a machine, `data.machine` has its id, mac and hostname. Messages may arrive twice or out of order: compare webhook-id and data.id. The first message may be about a change made just before.',
  body: webhookCreate,
  returns: newWebhook,
  statuses: { 201: 'Webhook created' },
  answer: async ({ db, sealer }, { body, by }) => ({ status: 201, body: await createWebhook(db, sealer, body, by) }),
})

export const patch = endpoint({
  operationId: 'patchWebhook',
  action: 'webhooks.edit',
  summary: 'Change a webhook, or switch it on or off',
  params,
  body: webhookPatch,
  returns: webhookSchema,
  statuses: { 200: 'Webhook changed' },
  answer: async ({ db }, { params: { id }, body, by }) => ({
    status: 200,
    body: await changeWebhook(db, id, body, by),
  }),
})

export const remove = endpoint({
  operationId: 'deleteWebhook',
  action: 'webhooks.edit',
  summary: 'Delete a webhook and its messages',
  params,
  statuses: { 204: 'Webhook deleted' },
  answer: async ({ db }, { params: { id }, by }) => {
    await deleteWebhook(db, id, by)
    return { status: 204 }
  },
})

export const test = endpoint({
  operationId: 'testWebhook',
  action: 'webhooks.edit',
  summary: 'Send a test message to a webhook',
  description:
    'The message has the type `webhook.test` and is signed like every other. It is also sent if the webhook is switched off. It is sent once; the response contains the answer of the receiver.',
  params,
  returns: webhookTested,
  statuses: { 200: 'The answer of the receiver' },
  answer: async ({ db, sealer }, { params: { id }, by }) => {
    const hook = await openWebhook(db, sealer, id)
    return { status: 200, body: await sendTest(hook, by) }
  },
})

export const dead = endpoint({
  operationId: 'listDeadMessages',
  action: 'webhooks.edit',
  summary: 'List the messages of a webhook that could not be delivered',
  params,
  returns: deadMessageList,
  statuses: { 200: 'The messages, oldest first' },
  answer: async ({ db }, { params: { id } }) => ({
    status: 200,
    body: { items: (await listDead(db, id)).map(withoutNulls) },
  }),
})

export const retry = endpoint({
  operationId: 'retryDeadMessage',
  action: 'webhooks.edit',
  summary: 'Redeliver a message that could not be delivered',
  params: z.object({ id: uuidv7, message: uuidv7 }),
  statuses: { 204: 'Message queued' },
  answer: async ({ db }, { params: { id, message } }) => {
    await reviveDead(db, id, message)
    return { status: 204 }
  },
})
