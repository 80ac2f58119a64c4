// /setup/webhooks/ID: one webhook, with a test and the messages that could not be delivered.
import type { ChangeTypeList } from '../../api/schemas/changes/change.ts'
import type { DeadMessageList, Webhook, WebhookList, WebhookTested } from '../../api/schemas/changes/webhook.ts'
import { pathOf, RefusedError } from '../http/client.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'
import { submit } from '../http/visit.ts'
import { type Entered, enteredOf } from './webhooks.ts'

type Shown = { tested?: WebhookTested; entered?: Entered; refusal?: RefusedError }

export const webhook: PageHandler = async (visit) => webhookPage(visit, {})

async function webhookPage({ api, params: { id = '' } }: Visit, { tested, entered, refusal }: Shown): Promise<Page> {
  const path = pathOf('webhooks', id)
  const [{ items }, { items: dead }, { items: nouns }] = await Promise.all([
    api.ask<WebhookList>('GET', '/webhooks'),
    api.ask<DeadMessageList>('GET', `${path}/dead`),
    api.ask<ChangeTypeList>('GET', '/change-types'),
  ])
  const hook = items.find((each) => each.id === id)
  if (hook === undefined) throw new RefusedError('there is no such webhook', 404, undefined, [])
  const { url, types, active } = hook
  return {
    view: 'changes/webhook',
    title: `Webhook ${new URL(url).host}`,
    data: { hook, dead, nouns, tested, entered: entered ?? { url, types }, refusal, tab: 'webhooks' },
    commands: [
      { title: 'Send a test message', method: 'POST', path: `${path}/test`, cli: `webhook test ${id}` },
      {
        ...{ title: active ? 'Switch it off' : 'Switch it on', method: 'PATCH', path, body: { active: !active } },
        cli: `webhook ${active ? 'off' : 'on'} ${id}`,
      },
      { title: 'List dead messages', path: `${path}/dead`, cli: `webhook dead ${id}` },
      { title: 'Delete the webhook', method: 'DELETE', path, cli: `webhook delete ${id}` },
    ],
  }
}

export const testWebhook: PageHandler = async (visit) => {
  const tested = await visit.api.ask<WebhookTested>('POST', `${apiPath(visit)}/test`)
  return webhookPage(visit, { tested })
}

export const changeWebhook: PageHandler = async (visit) => {
  const entered = enteredOf(visit.form)
  return submit(
    async () => {
      await visit.api.ask<Webhook>('PATCH', apiPath(visit), entered)
      return { redirect: ownPath(visit), notice: 'The webhook is changed.' }
    },
    (refusal) => webhookPage(visit, { entered, refusal }),
  )
}

export const switchWebhook: PageHandler = async (visit) => {
  const { active } = await visit.api.ask<Webhook>('PATCH', apiPath(visit), {
    active: visit.form.get('active') === 'yes',
  })
  return { redirect: ownPath(visit), notice: active ? 'The webhook is on.' : 'The webhook is off.' }
}

export const deleteWebhook: PageHandler = async (visit) => {
  await visit.api.ask('DELETE', apiPath(visit))
  return { redirect: '/setup/webhooks', notice: 'The webhook and its messages are deleted.' }
}

/** Redelivers the messages that the form names. */
export const retryMessages: PageHandler = async (visit) => {
  const messages = visit.form.all('message')
  for (const message of messages)
    await visit.api.ask('POST', `${apiPath(visit)}/dead/${encodeURIComponent(message)}/retry`)
  const what = messages.length === 1 ? 'The message is queued again.' : `${messages.length} messages are queued again.`
  return { redirect: ownPath(visit), notice: what }
}

function apiPath({ params: { id = '' } }: Visit): string {
  return pathOf('webhooks', id)
}

function ownPath(visit: Visit): string {
  return `/setup${apiPath(visit)}`
}
