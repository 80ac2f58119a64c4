// `bootwright secret`.
import { type Command, InvalidArgumentError } from 'commander'
import type { SecretList } from '../../api/schemas/machines/secret.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { readInput } from '../shell/json-file.ts'
import { formatTable } from '../shell/table.ts'
import { machineInPath, readMachine } from './argument.ts'

type Owner = { machine?: string; group?: string }

/** `bootwright secret`. */
export function addSecretCommand(program: Command, deps: CliDeps): void {
  const secret = program.command('secret').description('manage secrets for answer files, which are never shown again')
  const withOwner = (command: Command) =>
    command
      .option('--machine <machine>', 'MAC, UUID or host name of the machine', readMachine)
      .option('--group <name>', 'name of the group, for all of its machines')

  withOwner(
    secret.command('set').description('set a secret to the value on standard input, without its final line feed'),
  )
    .argument('<name>', 'name of the secret; answer files use secrets.NAME', parseName)
    .action(async (name: string, owner: Owner, command: Command) => {
      const path = `${pathOf(owner, command)}/${name}`
      const value = (await readInput(deps, '-')).replace(/\r?\n$/, '')
      await clientOf(command, deps).ask('PUT', path, { value })
      deps.err(`secret ${name} set\n`)
    })

  withOwner(secret.command('list').description('list the names of secrets')).action(
    async (owner: Owner, command: Command) => {
      const { items } = await clientOf(command, deps).ask<SecretList>('GET', pathOf(owner, command))
      print(command, deps, { items }, () =>
        formatTable(
          ['NAME', 'UPDATED'],
          items.map((row) => [row.name, formatTime(row.updatedAt)]),
        ),
      )
    },
  )

  withOwner(secret.command('delete').description('delete a secret'))
    .argument('<name>', 'name of the secret, as listed', parseName)
    .action(async (name: string, owner: Owner, command: Command) => {
      await clientOf(command, deps).ask('DELETE', `${pathOf(owner, command)}/${name}`)
      deps.err(`secret ${name} deleted\n`)
    })
}

function pathOf({ machine, group }: Owner, command: Command): string {
  if ((machine === undefined) === (group === undefined)) command.error('error: expected --machine or --group, not both')
  const owner =
    machine === undefined ? `groups/${encodeURIComponent(group ?? '')}` : `machines/${machineInPath(machine)}`
  return `/${owner}/secrets`
}

function parseName(text: string): string {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(text))
    throw new InvalidArgumentError('Expected a-z, 0-9 and _, beginning with a letter. Example: root_password')
  return text
}
