// `bootwright machine`.
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Forgotten, Machine, MachineSaved } from '../../api/schemas/machines/machine.ts'
import { parseMac } from '../../lib/ids/mac.ts'
import { archs, platforms } from '../../model/arch.ts'
import { machineStateNames } from '../../model/machine.ts'
import { withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, collect, print } from '../shell/deps.ts'
import { cut } from '../shell/difference.ts'
import { formatTime } from '../shell/format.ts'
import { parseCount } from '../shell/numbers.ts'
import { formatFields, formatTable } from '../shell/table.ts'
import { addMachineAddCommands } from './add.ts'
import { machineArgument, machinePath } from './argument.ts'
import { addAssignmentOptions } from './assignment-options.ts'
import { machineChange, optionOf, type SetOptions, textFields, textOptions } from './change.ts'
import { clearHelp } from './clear.ts'
import { countedPath, printConcerns } from './concerns.ts'
import { addMachineActCommand } from './many/act.ts'
import { addMachineBulkCommands } from './many/bulk.ts'
import { addMachinePowerCommand } from './power/power.ts'
import { collectLabel, collectMac } from './readers.ts'
import { bootsWhat, labelsOf, stateOf, summaryOf } from './summary.ts'
import { addMachineArchiveCommands, ownersOf, printArchived } from './sync/archive.ts'
import { addMachineReleaseCommand } from './sync/release.ts'
import { addMachineSyncCommand } from './sync/sync.ts'

type ListOptions = {
  discovered?: true
  denied?: true
  state?: string
  group?: string
  image?: string
  menu?: string
  platform?: string
  arch?: string
  label?: string[]
  fact?: string[]
  match?: string
  limit?: number
  quiet?: true
  archived?: true
}

/** `bootwright machine`. */
export function addMachineCommand(program: Command, deps: CliDeps): void {
  const machine = program.command('machine').description('manage machines, and what they boot')

  const set = addAssignmentOptions(
    machine.command('set').description('create or change a machine; other fields stay').addArgument(machineArgument()),
  ).option('--no-image', 'clear the whole assignment: groups and the policy decide what the machine boots')
  for (const field of textFields) set.option(`--${optionOf(field)} <text>`, textOptions[field])
  set
    .option('--label <key=value>', 'label (repeatable); without a value, it is removed', collectLabel)
    .option('--mac <mac>', 'additional MAC address of the machine (repeatable)', collectMac)
    .option('--add-mac <mac>', 'same as --mac', collectMac)
    .option('--remove-mac <mac>', 'MAC address to remove (repeatable)', collectMac)
    .addOption(new Option('--deny', 'refuse to boot the machine').conflicts('allow'))
    .addOption(new Option('--allow', 'allow the machine to boot again').conflicts('deny'))
    .option('--clear <field>', clearHelp, collect)
    .addOption(new Option('--clear-uuid', 'same as --clear uuid').conflicts('uuid'))
    .addOption(new Option('--clear-serial', 'same as --clear serial').conflicts('serial'))
    .option('--replace', 'clear all other fields, except the MACs')
    .option('--dry-run', 'change nothing; show whether the machine would boot something else')
    .action(async (named: string, options: SetOptions, command: Command) => {
      const client = clientOf(command, deps)
      const mac = parseMac(named)
      const before = await client.find<Machine>(machinePath(named))
      if (before === undefined && mac === undefined)
        throw new Error(`there is no machine ${named}; to create it: bootwright machine set MAC --hostname ${named}`)
      const change = machineChange(options, before?.macs ?? (mac === undefined ? [] : [mac]))
      // PUT creates a machine. PATCH leaves alone the fields that another operator changes meanwhile.
      const method = before === undefined || options.replace ? 'PUT' : 'PATCH'
      // The URL has the id, because a PUT keeps the MAC in its URL, even if that MAC is to be removed.
      const path = countedPath(machinePath(before?.id ?? named), options.dryRun)
      const saved = await client.ask<MachineSaved>(method, path, change)
      print(command, deps, saved, summaryOf)
      printConcerns(deps, saved.concerns)
      for (const notice of saved.notices ?? []) deps.err(`notice: ${notice}\n`)
      deps.err(`to see the script: bootwright preview ${mac ?? named}\n`)
    })

  addMachineAddCommands(machine, deps)

  machine
    .command('forget-discovered')
    .description('delete discovered machines that no operator entered; they can be discovered again')
    .option('--not-seen-for <days>', 'only machines not seen for this number of days', readDays)
    .option('--from <address>', 'only machines that were discovered at this address')
    .option('--dry-run', 'delete nothing; show the number of machines')
    .action(
      async ({ notSeenFor, from, dryRun }: { notSeenFor?: number; from?: string; dryRun?: true }, command: Command) => {
        const notSeenSince = notSeenFor && new Date(Date.now() - notSeenFor * 86_400_000).toISOString()
        const path = withQuery('/machines/discovered', {
          notSeenSince: notSeenSince || undefined,
          address: from,
          dryRun: dryRun && 'true',
        })
        const done = await clientOf(command, deps).ask<Forgotten>('DELETE', path)
        print(command, deps, done, ({ forgotten, applied }) =>
          applied ? `${forgotten} discovered machines deleted` : `${forgotten} discovered machines would be deleted`,
        )
      },
    )

  machine
    .command('list')
    .description('list machines')
    .option('--discovered', 'only discovered machines, which no operator entered')
    .option('--denied', 'only denied machines')
    .addOption(new Option('--state <state>', 'only machines in this state').choices(machineStateNames))
    .option('--group <name>', 'only machines that match the selector of this group')
    .option('--image <name>', 'only machines that are assigned this image')
    .option('--menu <name>', 'only machines that are assigned this menu')
    .addOption(new Option('--platform <platform>', 'only machines with this firmware').choices(platforms))
    .addOption(new Option('--arch <arch>', 'only machines with this architecture').choices(archs))
    .option(
      '--label <key=value>',
      'only machines with this label, or with any value of KEY (repeatable; all must hold)',
      collect,
    )
    .option(
      '--fact <name=value>',
      'only machines with this serial, product, asset, manufacturer, platform, ip …, entered or reported (repeatable; all must hold)',
      collect,
    )
    .option('--owner <name>', 'only machines that this owner synchronizes')
    .option('--external-id <id>', 'only machines with this id in the inventory of an owner')
    .option(
      '--match <text>',
      'only machines with this text in a name, serial, product, address, label, external id, MAC or UUID',
    )
    .option('--archived', 'archived machines instead, the newest first; with --match, --limit and --quiet')
    .option('--limit <n>', 'maximum number of results', parseCount)
    .option('-q, --quiet', 'print only ids, one per line')
    .action(async (options: ListOptions, command: Command) => {
      const { discovered, denied, match: q, limit, quiet, archived, ...query } = options
      if (archived) return printArchived(command, deps, { match: q, limit, quiet })
      const items = await clientOf(command, deps).list<Machine>(
        '/machines',
        { discovered: discovered && 'true', denied: denied && 'true', q, ...query },
        'after',
        limit,
      )
      if (quiet) for (const { id } of items) deps.out(`${id}\n`)
      else
        print(command, deps, { items }, () =>
          formatTable(['MAC', 'HOSTNAME', 'BOOTS', 'STATE', 'PRODUCT', 'LAST SEEN'], items.map(rowOf)),
        )
    })

  machine
    .command('show')
    .description('show a machine with its reported facts')
    .addArgument(machineArgument())
    .action(async (named: string, _options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<Machine>('GET', machinePath(named)), formatMachine)
    })

  addMachineActCommand(machine, deps)
  addMachineBulkCommands(machine, deps)
  addMachinePowerCommand(machine, deps)
  addMachineSyncCommand(machine, deps)
  addMachineReleaseCommand(machine, deps)
  addMachineArchiveCommands(machine, deps)
}

function readDays(text: string): number {
  const days = Number(text)
  if (!(days > 0 && days <= 36_500)) throw new InvalidArgumentError('Expected a number of days. Example: 30')
  return days
}

function rowOf(machine: Machine): (string | undefined)[] {
  const product = machine.product ?? machine.facts.product
  return [
    machine.macs[0],
    machine.hostname,
    cut(bootsWhat(machine), 60),
    stateOf(machine),
    product === undefined ? '' : cut(String(product), 40),
    formatTime(machine.lastSeenAt),
  ]
}

function formatMachine(machine: Machine): string {
  const { id, macs } = machine
  const facts = Object.entries(machine.facts).map(([name, value]) => [`reported ${name}`, String(value)])
  return formatFields({
    id,
    macs: macs.join(' '),
    ...Object.fromEntries(textFields.map((field) => [field, machine[field]])),
    labels: labelsOf(machine),
    'named by': machine.sources
      ?.map(({ owner, externalId }) => [owner, externalId].filter(Boolean).join(' '))
      .join(', '),
    ...ownersOf(machine),
    boots: bootsWhat(machine),
    ...Object.fromEntries(
      Object.entries(machine.assignment?.params ?? {}).map(([name, value]) => [`param.${name}`, JSON.stringify(value)]),
    ),
    state: stateOf(machine),
    created: formatTime(machine.createdAt),
    updated: formatTime(machine.updatedAt),
    'last seen': formatTime(machine.lastSeenAt),
    ...Object.fromEntries(facts),
  })
}
