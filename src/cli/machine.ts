import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { formatMacHyphen, type Mac, parseMac } from '../mac.ts'
import { collectLocalBoot, collectParam, formatAssignment } from './assignment-options.ts'
import { type CliDeps, clientOf, collect, print } from './deps.ts'
import { formatTime } from './format.ts'
import { addMachineBulkCommands } from './machine-bulk.ts'
import { type Machine, machineChange, type SetOptions } from './machine-change.ts'
import { formatFields, formatTable } from './table.ts'

/** `bootwright machine`. */
export function addMachineCommand(program: Command, deps: CliDeps): void {
  const machine = program.command('machine').description('machines: what they are, and what they boot')

  machine
    .command('set')
    .description('enter or change a machine; what is not said stays as it is')
    .addArgument(macArgument())
    .option('--image <name>', 'boot this image')
    .option('--no-image', 'nothing of its own: what it boots is left to its groups and the policy')
    .option('--menu <name>', 'show this menu')
    .option('--local', 'boot from its own disk')
    .option(
      '--arg <arg>',
      'kernel argument after those of the image (repeat for more); together they replace the former ones',
      collect,
    )
    .option('--answer-file <name>', "answer file for an installer ('' removes it)")
    .option('--param <name=value>', 'a value for templates, JSON or text (repeat for more)', collectParam)
    .option(
      '--local-boot <firmware=method>',
      'how it is handed to its disk: pcbios= or efi=, then auto, exit-0, exit-1, sanboot, or for efi a file \\EFI\\…',
      collectLocalBoot,
    )
    .option('--hostname <name>', "host name ('' removes it, so too with the next four)")
    .option('--uuid <uuid>', 'SMBIOS system UUID')
    .option('--serial <serial>', 'serial number')
    .option('--product <product>', 'product name')
    .option('--asset <asset>', 'asset tag')
    .option('--label <key=value>', 'a label (repeat for more); without a value it is removed', collectLabel)
    .option('--mac <mac>', 'a further MAC of the same machine (repeat for more)', collectMac)
    .addOption(new Option('--deny', 'refuse to boot it').conflicts('allow'))
    .addOption(new Option('--allow', 'boot it again').conflicts('deny'))
    .action(async (mac: Mac, options: SetOptions, command: Command) => {
      const client = clientOf(command, deps)
      const path = pathOf(mac)
      const before = await client.find<Machine>(path)
      // PUT is for one not yet known; for the others PATCH leaves alone what another operator changes meanwhile.
      const saved = await client.ask<Machine>(
        before === undefined ? 'PUT' : 'PATCH',
        path,
        machineChange(mac, options, before),
      )
      print(command, deps, saved, inForce)
      deps.err(`see its script: bootwright preview ${mac}\n`)
    })

  machine
    .command('list')
    .description('list machines')
    .option('--discovered', 'only those seen on the network that nobody has entered')
    .option('--image <name>', 'only those assigned this image')
    .action(async ({ discovered, image }: { discovered?: true; image?: string }, command: Command) => {
      const items = await clientOf(command, deps).list<Machine>('/machines', {
        discovered: discovered && 'true',
        image,
      })
      print(command, deps, { items }, () =>
        formatTable(['MAC', 'HOSTNAME', 'BOOTS', 'STATE', 'PRODUCT', 'LAST SEEN'], items.map(rowOf)),
      )
    })

  machine
    .command('show')
    .description('show a machine with what it reported')
    .addArgument(macArgument())
    .action(async (mac: Mac, _options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<Machine>('GET', pathOf(mac)), formatMachine)
    })

  machine
    .command('delete')
    .description('delete a machine; its boots stay')
    .addArgument(macArgument())
    .action(async (mac: Mac, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', pathOf(mac))
      deps.err(`machine ${mac} is deleted\n`)
    })
  addMachineBulkCommands(machine, deps)
}

/** `<mac>`, in any spelling. */
export function macArgument(): Argument {
  return new Argument('<mac>', 'a MAC address of the machine, in any spelling').argParser(readMac)
}

export function readMac(text: string): Mac {
  const mac = parseMac(text)
  if (mac === undefined) throw new InvalidArgumentError('It is no MAC address of a machine.')
  return mac
}

function collectMac(text: string, before: Mac[] | undefined): Mac[] {
  return collect(readMac(text), before)
}

function collectLabel(text: string, before: string[] | undefined): string[] {
  if (!/^[^=]+(=|$)/.test(text)) throw new InvalidArgumentError('It is key=value.')
  return collect(text, before)
}

function pathOf(mac: Mac): string {
  return `/machines/${formatMacHyphen(mac)}`
}

function bootsWhat({ assignment }: Machine): string {
  const said = formatAssignment(assignment)
  return (assignment?.image ?? assignment?.menu ?? assignment?.local)
    ? said
    : ['by group or policy', said].filter(Boolean).join(', ')
}

function stateOf({ denied, discovered }: Machine): string {
  return denied ? 'denied' : discovered ? 'discovered' : ''
}

function labelsOf({ labels }: Machine): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}

function rowOf(machine: Machine): (string | undefined)[] {
  const product = machine.product ?? machine.facts.product
  return [
    machine.macs[0],
    machine.hostname,
    bootsWhat(machine),
    stateOf(machine),
    product === undefined ? '' : String(product),
    formatTime(machine.lastSeenAt),
  ]
}

function inForce(machine: Machine): string {
  const labels = labelsOf(machine)
  const parts = [
    `boots ${bootsWhat(machine)}`,
    machine.denied ? 'denied: it is refused' : '',
    labels && `labels ${labels}`,
  ]
  return `${[...machine.macs, machine.hostname].filter(Boolean).join(' ')}: ${parts.filter(Boolean).join(', ')}`
}

function formatMachine(machine: Machine): string {
  const { id, macs, hostname, uuid, serial, product, asset } = machine
  const facts = Object.entries(machine.facts).map(([name, value]) => [`reported ${name}`, String(value)])
  return formatFields({
    id,
    macs: macs.join(' '),
    hostname,
    uuid,
    serial,
    product,
    asset,
    labels: labelsOf(machine),
    boots: bootsWhat(machine),
    state: stateOf(machine),
    created: formatTime(machine.createdAt),
    changed: formatTime(machine.updatedAt),
    'last seen': formatTime(machine.lastSeenAt),
    ...Object.fromEntries(facts),
  })
}
