// `bootwright machine archive`, `restore` and `forget-archived`, and the list of archived machines.
import type { Command } from 'commander'
import type { Deleted } from '../../../api/schemas/machines/concerns.ts'
import type { Machine, MachineSaved } from '../../../api/schemas/machines/machine.ts'
import type { Archived } from '../../../api/schemas/machines/sync.ts'
import { type CliDeps, clientOf, print } from '../../shell/deps.ts'
import { cut } from '../../shell/difference.ts'
import { formatTime } from '../../shell/format.ts'
import { formatTable } from '../../shell/table.ts'
import { machineArgument, machinePath } from '../argument.ts'
import { addDryRun, countedPath, printConcerns } from '../concerns.ts'

/** `bootwright machine archive`, `restore` and `forget-archived`. */
export function addMachineArchiveCommands(machine: Command, deps: CliDeps): void {
  addDryRun(machine.command('archive'))
    .description('archive a machine: take it out of use, with its values and history, until it is restored or deleted')
    .addArgument(machineArgument())
    .action(async (named: string, { dryRun }: { dryRun?: true }, command: Command) => {
      const path = countedPath(`${machinePath(named)}/archive`, dryRun)
      const { concerns } = await clientOf(command, deps).ask<Deleted>('POST', path)
      const next = '; to list archived machines: bootwright machine list --archived'
      deps.err(`machine ${named} ${dryRun ? 'would be archived' : `archived${next}`}\n`)
      printConcerns(deps, concerns)
    })

  addDryRun(machine.command('restore'))
    .description('restore an archived machine with its values, deployments and boots')
    .argument('<id>', 'id of the archived machine')
    .action(async (id: string, { dryRun }: { dryRun?: true }, command: Command) => {
      const path = countedPath(`${archivedPath(id)}/restore`, dryRun)
      const restored = await clientOf(command, deps).ask<MachineSaved>('POST', path)
      print(command, deps, restored, ({ name, macs }) => `${name ?? id}: ${macs.join(' ')}`)
      printConcerns(deps, restored.concerns)
    })

  machine
    .command('forget-archived')
    .description('delete an archived machine before its time')
    .argument('<id>', 'id of the archived machine')
    .action(async (id: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', archivedPath(id))
      deps.err(`archived machine ${id} deleted\n`)
    })
}

/** Prints the archived machines. */
export async function printArchived(
  command: Command,
  deps: CliDeps,
  { match: q, limit, quiet }: { match?: string | undefined; limit?: number | undefined; quiet?: true | undefined },
): Promise<void> {
  const items = await clientOf(command, deps).list<Archived>('/machines/archived', { q }, 'after', limit)
  if (quiet) for (const { id } of items) deps.out(`${id}\n`)
  else
    print(command, deps, { items }, () =>
      formatTable(['ID', 'NAME', 'MAC', 'ARCHIVED', 'BY', 'REASON'], items.map(rowOf)),
    )
}

function rowOf({ id, name, macs, archivedAt, archivedBy, reason }: Archived): (string | undefined)[] {
  return [id, cut(name, 40), macs[0], formatTime(archivedAt), archivedBy, cut(reason, 60)]
}

/** The owners of the fields of a machine, as rows of `machine show`: one for each owner. */
export function ownersOf({ owners = {} }: Machine): Record<string, string> {
  const fields: Record<string, string[]> = {}
  for (const [field, owner] of Object.entries(owners)) {
    const who = typeof owner === 'string' ? `set by ${owner}` : `set by ${owner.by} on ${formatTime(owner.at)}`
    fields[who] = [...(fields[who] ?? []), field]
  }
  return Object.fromEntries(Object.entries(fields).map(([who, list]) => [who, list.sort().join(' ')]))
}

function archivedPath(id: string): string {
  return `/machines/archived/${encodeURIComponent(id)}`
}
