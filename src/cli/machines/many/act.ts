// `bootwright machine act`.
import { Argument, type Command, Option } from 'commander'
import type { MachinesAct, MachinesActed } from '../../../api/schemas/machines/action.ts'
import { formatCount } from '../../../lib/text/format.ts'
import type { ImageRef } from '../../../model/image.ts'
import { type MachineState, machineStateNames } from '../../../model/machine.ts'
import { type CliDeps, clientOf, collect, print } from '../../shell/deps.ts'
import { printable } from '../../shell/format.ts'
import { parseCount } from '../../shell/numbers.ts'
import { readImageRef } from '../assignment-options.ts'
import { printConcerns } from '../concerns.ts'

type ActOptions = {
  match?: string
  state?: MachineState
  group?: string
  image?: string
  label?: string[]
  discovered?: true
  set?: string[]
  to?: ImageRef
  expect?: number
  dryRun?: true
}

const actions = ['allow', 'deny', 'enter', 'delete', 'label', 'assign', 'unassign'] as const
type ActionName = (typeof actions)[number]

/** `bootwright machine act`. */
export function addMachineActCommand(machine: Command, deps: CliDeps): void {
  machine
    .command('act')
    .description('change, enter or delete all machines that match; without --expect, show what would change')
    .addArgument(new Argument('<action>', 'action on each machine').choices(actions))
    .option('--match <text>', 'machines with this text in a name, serial, product, address, label, MAC or UUID')
    .addOption(new Option('--state <state>', 'machines in this state').choices(machineStateNames))
    .option('--group <name>', 'machines that match the selector of this group')
    .option('--image <name>', 'machines that are assigned this image')
    .option('--label <key=value>', 'machines with this label (repeatable; all must hold)', collect)
    .option('--discovered', 'discovered machines, which no operator entered')
    .option('--set <key=value>', 'with label: label to set; without a value, it is removed (repeatable)', collect)
    .option('--to <image[@version]>', 'with assign: image to boot; with @version, it is pinned', readImageRef)
    .option('--expect <n>', 'number of machines that must change; a preview shows it', parseCount)
    .addOption(new Option('--dry-run', 'show what would change, as without --expect').conflicts('expect'))
    .action(async (name: ActionName, options: ActOptions, command: Command) => {
      const { match: q, set, to, expect, dryRun: _, ...filter } = options
      if ((name === 'label') !== (set !== undefined)) command.error('error: expected --set with the action label')
      if ((name === 'assign') !== (to !== undefined)) command.error('error: expected --to with the action assign')
      const body: MachinesAct = {
        filter: { ...filter, q },
        action: actionOf(name, set, to),
        ...(expect === undefined ? { dryRun: true } : { expect }),
      }
      const done = await clientOf(command, deps).ask<MachinesActed>('POST', '/machines/actions', body)
      print(command, deps, done, formatActed)
      if (done.changed > 0) printConcerns(deps, done.concerns)
    })
}

function actionOf(name: ActionName, set: string[] = [], to: ImageRef | undefined): MachinesAct['action'] {
  if (name === 'label') return { labels: Object.fromEntries(set.map(labelOf)) }
  if (name === 'assign') return { assign: { ...to } }
  if (name === 'unassign') return { assign: null }
  return name === 'enter' ? { enter: {} } : { [name]: true }
}

function labelOf(text: string): [string, string | null] {
  const [key = '', ...value] = text.split('=')
  return [key, value.join('=') || null]
}

function formatActed({ changed, unchanged, refused, examples, applied, undo }: MachinesActed): string {
  const count = formatCount(changed, 'machine')
  const lines = [
    applied ? `${count} changed` : `${count} would change`,
    ...(unchanged > 0 ? [`${formatCount(unchanged, 'machine')} stay as they are`] : []),
    ...refused.map(({ why, count, machines }) => `refused ${count} (${machines.join(', ')}): ${why}`),
    ...examples.map(({ machine, differences }) => `${machine}: ${differences.map(formatDifference).join('; ')}`),
    ...(!applied && changed > 0 ? [`to apply: repeat the command with --expect ${changed}`] : []),
    ...(undo === undefined ? [] : [`to create them again: GET ${undo}, then bootwright machine import`]),
  ]
  return printable(lines.join('\n'))
}

function formatDifference({ field, before, after }: MachinesActed['examples'][number]['differences'][number]): string {
  const inWords = (value: unknown) => (value === undefined ? 'nothing' : JSON.stringify(value))
  return `${field}: ${inWords(before)} -> ${inWords(after)}`
}
