// /setup/webhooks: other systems that receive changes.
import type { ChangeTypeList } from '../../api/schemas/changes/change.ts'
import type { DeadMessageList, NewWebhook, WebhookList } from '../../api/schemas/changes/webhook.ts'
import { pathOf, type RefusedError } from '../http/client.ts'
import { shellQuote } from '../http/commands.ts'
import type { Form } from '../http/form.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'
import { submit } from '../http/visit.ts'

/** The fields of a webhook, as entered. */
export type Entered = { url: string; types: string[] }

export const webhooks: PageHandler = async (visit) => webhooksPage(visit)

async function webhooksPage({ api }: Visit, entered?: Entered, refusal?: RefusedError): Promise<Page> {
  const [{ items }, { items: nouns }] = await Promise.all([
    api.ask<WebhookList>('GET', '/webhooks'),
    api.ask<ChangeTypeList>('GET', '/change-types'),
  ])
  const dead = await Promise.all(items.map(({ id }) => api.find<DeadMessageList>(`${pathOf('webhooks', id)}/dead`)))
  const hooks = items.map((hook, index) => ({ ...hook, dead: dead[index]?.items.length ?? 0 }))
  const { url, types } = entered ?? { url: 'https://cmdb.example.org/bootwright', types: ['deployment'] }
  const options = types.flatMap((type) => [`--type ${shellQuote(type)}`]).join(' ')
  return {
    view: 'changes/webhooks',
    title: 'Webhooks',
    data: { hooks, nouns, entered: entered ?? { url: '', types: [] }, refusal, tab: 'webhooks' },
    commands: [
      { title: 'List webhooks', path: '/webhooks', cli: 'webhook list' },
      {
        ...{ title: 'Create a webhook', method: 'POST', path: '/webhooks', body: { url, types } },
        cli: `webhook add ${shellQuote(url)} ${options}`.trim(),
      },
    ],
  }
}

export const createWebhook: PageHandler = async (visit) => {
  const entered = enteredOf(visit.form)
  return submit(
    async () => {
      const hook = await visit.api.ask<NewWebhook>('POST', '/webhooks', entered)
      const path = `${pathOf('webhooks', hook.id)}/test`
      return {
        view: 'changes/secret',
        title: 'Secret of the webhook',
        data: { hook, tab: 'webhooks' },
        commands: [{ title: 'Send a test message', method: 'POST', path, cli: `webhook test ${hook.id}` }],
      }
    },
    (refusal) => webhooksPage(visit, entered, refusal),
  )
}

/** The nouns that are ticked, and the single types that are typed. */
export function enteredOf(form: Form): Entered {
  const typed = (form.get('types') ?? '').split(/[\s,]+/).filter((text) => text !== '')
  return { url: form.get('url') ?? '', types: [...form.all('noun'), ...typed] }
}
