// `bootwright webhook`.
import { type Command, Option } from 'commander'
import type { ChangeTypeList } from '../../api/schemas/changes/change.ts'
import type {
  DeadMessageList,
  NewWebhook,
  Webhook,
  WebhookList,
  WebhookTested,
} from '../../api/schemas/changes/webhook.ts'
import { type CliDeps, clientOf, collect, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'

/** `bootwright webhook`. */
export function addWebhookCommand(program: Command, deps: CliDeps): void {
  const webhook = program
    .command('webhook')
    .description('manage webhooks, which send signed messages about changes to other systems')

  webhook
    .command('add')
    .description('create a webhook; the secret that signs its messages is shown only once')
    .argument('<url>')
    .option(
      '--type <type>',
      'type or noun of the changes to send: deployment, boot.failed (repeatable; see webhook types)',
      collect,
    )
    .action(async (url: string, { type = [] }: { type?: string[] }, command: Command) => {
      const created = await clientOf(command, deps).ask<NewWebhook>('POST', '/webhooks', {
        url,
        types: type,
      })
      print(command, deps, created, () => created.secret)
      deps.err(`webhook ${created.id}: save the secret, it is shown only once\n`)
    })

  webhook
    .command('list')
    .description('list webhooks')
    .action(async (_options, command: Command) => {
      const { items } = await clientOf(command, deps).ask<WebhookList>('GET', '/webhooks')
      const rows = items.map((row) => [
        row.url,
        row.types.join(' ') || 'everything',
        row.active ? '' : 'off',
        formatTime(row.createdAt),
        row.id,
      ])
      print(command, deps, { items }, () => formatTable(['URL', 'TYPES', 'STATE', 'CREATED', 'ID'], rows))
    })

  webhook
    .command('types')
    .description('list the types of changes for --type')
    .action(async (_options, command: Command) => {
      const { items } = await clientOf(command, deps).ask<ChangeTypeList>('GET', '/change-types')
      const rows = items.map(({ noun, types }) => [noun, types.join(' ')])
      print(command, deps, { items }, () => formatTable(['NOUN', 'TYPES'], rows))
    })

  webhook
    .command('test')
    .description('send a test message and show the answer of the receiver')
    .argument('<id>', 'id of the webhook, as listed')
    .action(async (id: string, _options, command: Command) => {
      const tested = await clientOf(command, deps).ask<WebhookTested>('POST', pathOf('webhooks', id, 'test'))
      if (!tested.delivered)
        throw new Error(`not delivered: ${tested.error ?? `the receiver answered ${tested.status}`}`)
      print(command, deps, tested, () => `delivered: the receiver answered ${tested.status}`)
    })

  webhook
    .command('set')
    .description('change a webhook; other fields stay')
    .argument('<id>', 'id of the webhook, as listed')
    .option('--to <url>', 'URL to send changes to')
    .option('--type <type>', 'type or noun of the changes to send, replacing the current ones (repeatable)', collect)
    .addOption(new Option('--every-type', 'send every change').conflicts('type'))
    .action(async (id: string, options: { to?: string; type?: string[]; everyType?: true }, command: Command) => {
      const { to, type, everyType } = options
      const types = everyType ? [] : type
      const change = { ...(to !== undefined && { url: to }), ...(types && { types }) }
      const changed = await clientOf(command, deps).ask<Webhook>('PATCH', pathOf('webhooks', id), change)
      print(command, deps, changed, ({ url, types: current }) => `${url}: ${current.join(' ') || 'everything'}`)
    })

  for (const [name, active] of [
    ['on', true],
    ['off', false],
  ] as const)
    webhook
      .command(name)
      .description(`switch a webhook ${name}`)
      .argument('<id>', 'id of the webhook, as listed')
      .action(async (id: string, _options, command: Command) => {
        await clientOf(command, deps).ask('PATCH', pathOf('webhooks', id), { active })
        deps.err(`webhook ${id} is ${name}\n`)
      })

  webhook
    .command('dead')
    .description('list messages that could not be delivered')
    .argument('<id>', 'id of the webhook, as listed')
    .action(async (id: string, _options, command: Command) => {
      const { items } = await clientOf(command, deps).ask<DeadMessageList>('GET', pathOf('webhooks', id, 'dead'))
      const rows = items.map((row) => [formatTime(row.createdAt), String(row.attempts), row.error, row.id])
      print(command, deps, { items }, () => formatTable(['CREATED', 'ATTEMPTS', 'ERROR', 'ID'], rows))
    })

  webhook
    .command('retry')
    .description('redeliver a message that could not be delivered')
    .argument('<id>', 'id of the webhook')
    .argument('<message>', 'id of the message, as listed by dead')
    .action(async (id: string, message: string, _options, command: Command) => {
      await clientOf(command, deps).ask('POST', pathOf('webhooks', id, 'dead', message, 'retry'))
      deps.err(`message ${message} is queued for redelivery\n`)
    })

  webhook
    .command('delete')
    .description('delete a webhook and its messages')
    .argument('<id>', 'id of the webhook, as listed')
    .action(async (id: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', pathOf('webhooks', id))
      deps.err(`webhook ${id} deleted\n`)
    })
}
