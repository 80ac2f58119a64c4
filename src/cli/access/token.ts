// `bootwright token`.
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { NewToken, TokenList } from '../../api/schemas/access/token.ts'
import { roles } from '../../model/access/role.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { pathOf } from '../shell/path.ts'
import { parseUntil } from '../shell/since.ts'
import { formatTable } from '../shell/table.ts'

type TokenOptions = { role: string; label?: Record<string, string>; expires?: string }

/** `bootwright token`. */
export function addTokenCommand(program: Command, deps: CliDeps): void {
  const token = program.command('token').description('manage admin tokens')

  token
    .command('create')
    .description('create a token; it is shown only once')
    .argument('<name>', 'purpose or owner of the token')
    .addOption(new Option('--role <role>', 'rights of the token').choices(roles).default('admin'))
    .option('--label <key=value>', 'only machines with this label (repeatable; all must hold)', collectLabels)
    .option('--expires <time>', '90d from now, or a time; without it, valid until it is revoked', parseUntil)
    .action(async (name: string, { role, label: scope, expires: expiresAt }: TokenOptions, command: Command) => {
      const body = { name, role, ...(scope && { scope }), ...(expiresAt && { expiresAt }) }
      const created = await clientOf(command, deps).ask<NewToken>('POST', '/tokens', body)
      // The token alone on standard output, for TOKEN=$(bootwright token create ci).
      print(command, deps, created, () => created.token)
      deps.err(`token ${created.id}: save it, it is shown only once\n`)
    })

  token
    .command('list')
    .description('list tokens, without their secrets')
    .action(async (_options, command: Command) => {
      const { items } = await clientOf(command, deps).ask<TokenList>('GET', '/tokens')
      print(command, deps, { items }, () =>
        formatTable(
          ['ID', 'NAME', 'ROLE', 'MACHINES', 'CREATED', 'LAST USED', 'EXPIRES', 'REVOKED'],
          items.map((row) => [
            row.id,
            row.name,
            row.role,
            formatScope(row.scope),
            formatTime(row.createdAt),
            formatTime(row.lastUsedAt),
            formatTime(row.expiresAt),
            formatTime(row.revokedAt),
          ]),
        ),
      )
    })

  token
    .command('revoke')
    .description('revoke a token')
    .argument('<id>', 'id of the token, as listed')
    .action(async (id: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', pathOf('tokens', id))
      deps.err(`token ${id} revoked\n`)
    })
}

/** @throws InvalidArgumentError */
function collectLabels(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (key === undefined || value === undefined) throw new InvalidArgumentError('Expected a label. Example: rack=b4')
  return { ...before, [key]: value }
}

function formatScope(scope: Record<string, string> | undefined): string {
  return scope === undefined
    ? 'all'
    : Object.entries(scope)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ')
}
