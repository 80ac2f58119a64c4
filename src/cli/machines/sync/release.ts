// `bootwright machine release`.
import { type Command, Option } from 'commander'
import type { Machine } from '../../../api/schemas/machines/machine.ts'
import { type CliDeps, clientOf, collect, print } from '../../shell/deps.ts'
import { formatFields } from '../../shell/table.ts'
import { machineArgument, machineInPath } from '../argument.ts'
import { ownersOf } from './archive.ts'

type ReleaseOptions = { field?: string[]; to?: string; from?: string }

/** `bootwright machine release`. */
export function addMachineReleaseCommand(machine: Command, deps: CliDeps): void {
  machine
    .command('release')
    .description('set the owner of fields of a machine again, or end what an owner has of it')
    .addArgument(machineArgument())
    .option(
      '--field <path>',
      'field to give back, as machine show lists it: hostname, labels.rack (repeatable)',
      collect,
    )
    .option('--to <owner>', 'owner that gets the fields, if several owners name the machine')
    .addOption(
      new Option(
        '--from <owner>',
        'owner that no longer names the machine; its values become values of people',
      ).conflicts(['field', 'to']),
    )
    .action(async (named: string, { field, to, from }: ReleaseOptions, command: Command) => {
      if (field === undefined && from === undefined) command.error('error: expected --field or --from')
      const fields = field?.map((path) => path.replace(/^label\./, 'labels.').replace(/^mac\./, 'macs.'))
      const body = from === undefined ? { fields, to } : { from }
      const released = await clientOf(command, deps).ask<Machine>(
        'POST',
        `/machines/${machineInPath(named)}/release`,
        body,
      )
      print(command, deps, released, ({ id, ...owned }) => formatFields({ id, ...ownersOf({ id, ...owned }) }))
    })
}
