// `bootwright token`.
import type { Command } from 'commander'
import type { NewToken, TokenList } from '../../api/schemas/access/token.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'

/** `bootwright token`. */
export function addTokenCommand(program: Command, deps: CliDeps): void {
  const token = program.command('token').description('manage admin tokens')

  token
    .command('create')
    .description('create a token; it is shown only once')
    .argument('<name>', 'purpose or owner of the token')
    .action(async (name: string, _options, command: Command) => {
      const created = await clientOf(command, deps).ask<NewToken>('POST', '/tokens', { name })
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
          ['ID', 'NAME', 'CREATED', 'LAST USED', 'REVOKED'],
          items.map((row) => [
            row.id,
            row.name,
            formatTime(row.createdAt),
            formatTime(row.lastUsedAt),
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
