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
  const secret = program.command('secret').description('secrets for answer files: set, and never shown again')
  const withOwner = (command: Command) =>
    command
      .option('--machine <machine>', 'of this machine: a MAC, UUID or host name', readMachine)
      .option('--group <name>', 'of every machine of this group')

  withOwner(
    secret.command('set').description('set a secret; its value is read from standard input, to its last line feed'),
  )
    .argument('<name>', 'as answer files call it: secrets.NAME', parseName)
    .action(async (name: string, owner: Owner, command: Command) => {
      const path = `${pathOf(owner, command)}/${name}`
      const value = (await readInput(deps, '-')).replace(/\r?\n$/, '')
      await clientOf(command, deps).ask('PUT', path, { value })
      deps.err(`secret ${name} is set\n`)
    })

  withOwner(secret.command('list').description('list the names of secrets')).action(
    async (owner: Owner, command: Command) => {
      const { items } = await clientOf(command, deps).ask<SecretList>('GET', pathOf(owner, command))
      print(command, deps, { items }, () =>
        formatTable(
          ['NAME', 'SET'],
          items.map((one) => [one.name, formatTime(one.updatedAt)]),
        ),
      )
    },
  )

  withOwner(secret.command('delete').description('forget a secret'))
    .argument('<name>', 'as listed', parseName)
    .action(async (name: string, owner: Owner, command: Command) => {
      await clientOf(command, deps).ask('DELETE', `${pathOf(owner, command)}/${name}`)
      deps.err(`secret ${name} is deleted\n`)
    })
}

function pathOf({ machine, group }: Owner, command: Command): string {
  if ((machine === undefined) === (group === undefined))
    command.error('error: --machine or --group is needed, and only one')
  const owner =
    machine === undefined ? `groups/${encodeURIComponent(group ?? '')}` : `machines/${machineInPath(machine)}`
  return `/${owner}/secrets`
}

function parseName(text: string): string {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(text))
    throw new InvalidArgumentError('It is a-z, 0-9 and _, beginning with a letter.')
  return text
}
