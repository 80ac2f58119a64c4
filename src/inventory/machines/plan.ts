// Plans the rows of an upload. Pure.

import { isSameJson } from '../../lib/canonical.ts'
import type { FieldFault } from '../../lib/errors.ts'
import type { Mac } from '../../lib/ids/mac.ts'
import { newId, swapUuid } from '../../lib/ids/uuid.ts'
import type { Assignment } from '../../model/assignment.ts'
import { changesInstall, everyBootFaults, type Installers } from '../../model/every-boot.ts'
import type { FieldOwners } from '../../model/identity/field-owners.ts'
import { identifiedBy, isIdentified } from '../../model/identity/identity.ts'
import { formatImageRef } from '../../model/image.ts'
import { type Machine, nameOf } from '../../model/machine.ts'
import { type AssignmentChange, lonePins } from './assignment-change.ts'
import { changedValues, type MachineChange, machineFields, valuesOf } from './fields.ts'
import { takenFault, valueKeys } from './identity/same-key.ts'
import { auditViewOf, presentOf, tooMany } from './machines.ts'
import { type Referred, referredWords } from './references.ts'

/** How a row says which machine it means: by one MAC, by all of them, by id, UUID, or serial with product. */
export type RowKey =
  | { mac: Mac }
  | { macs: Mac[] }
  | { id: string }
  | { uuid: string }
  | { serial: string; product: string }

/** One row of an upload. `replace`: absent fields are cleared. */
export type MachineRow = { line: number; key: RowKey; change: MachineChange; replace?: boolean }

/** The machines and names in the inventory that some rows refer to. */
export type Existing = {
  byMac: Map<Mac, Machine>
  byId: Map<string, Machine>
  /** Some of the machines that were entered with a UUID, or a serial with its product: those without MACs first. */
  byUuid: (uuid: string) => Machine[]
  bySerial: (serial: string, product: string) => Machine[]
  names: Record<Referred, Set<string>>
  /** The versions that the rows may pin, by reference: `debian-12@3`. */
  versions: Set<string>
  /** Images that may write to a machine's disk. */
  installers: Installers
}

/**
 * The content of earlier rows: the line of each MAC and each machine, the released MACs, and the UUIDs and serials that were
 * entered for machines with or without MACs.
 */
export type EarlierRows = {
  macs: Map<Mac, number>
  machines: Map<string, number>
  released: Map<Mac, string>
  values: Map<string, { line: number; bare: boolean }>
}

export type BadRow = { line: number; faults: FieldFault[] }
export type Outcome = 'created' | 'changed' | 'unchanged'

/** The result of a row. `takesOver`: discovered machines that are this machine. */
export type PlannedRow = {
  line: number
  outcome: Outcome
  before: Machine | undefined
  after: Machine
  takesOver: string[]
  /** The owner of each field; absent if a person did all that is new. */
  owners?: FieldOwners
}

export function nothingEarlier(): EarlierRows {
  return { macs: new Map(), machines: new Map(), released: new Map(), values: new Map() }
}

/** Adds rows to the earlier rows. */
export function addEarlier(into: EarlierRows, more: EarlierRows): void {
  for (const [mac, line] of more.macs) into.macs.set(mac, line)
  for (const [id, line] of more.machines) into.machines.set(id, line)
  for (const [mac, id] of more.released) into.released.set(mac, id)
  for (const [value, entry] of more.values) into.values.set(value, entry)
}

/** Plans rows in order, and collects what later rows must know of them. Changes nothing. */
export function planRows(
  rows: MachineRow[],
  existing: Existing,
  earlier: EarlierRows,
): { plans: (PlannedRow | BadRow)[]; added: EarlierRows } {
  const now = nothingEarlier()
  const ownerOf = (mac: Mac): Machine | undefined => {
    const owner = existing.byMac.get(mac)
    const released = now.released.get(mac) ?? earlier.released.get(mac)
    return owner === undefined || owner.id === released ? undefined : owner
  }
  const lineOf = (kind: 'macs' | 'machines', key: string) => now[kind].get(key) ?? earlier[kind].get(key)

  const plan = (row: MachineRow): PlannedRow | BadRow => {
    const { line, key } = row
    const bad = (...faults: FieldFault[]): BadRow => ({ line, faults })
    const unknown = unknownNames(row.change.assignment, existing.names)
    const named = [...('mac' in key ? [key.mac] : []), ...(row.change.macs ?? [])]
    const fieldOf = (mac: Mac) => ('mac' in key && key.mac === mac ? 'mac' : 'macs')
    for (const mac of named) {
      const before = lineOf('macs', mac)
      if (before !== undefined) return bad({ field: fieldOf(mac), value: mac, expected: notTwice(before) }, ...unknown)
    }
    const found = findFor(key, existing, ownerOf)
    if ('faults' in found) return bad(...found.faults, ...unknown)
    const owner = found.machine
    const alike = enteredWith(row.change, existing)
    // New MACs belong to the machine that was entered without MACs.
    const bare = owner === undefined || owner.discovered ? alike.find(({ macs }) => macs.length === 0) : undefined
    const before = bare ?? owner
    const twice = before && lineOf('machines', before.id)
    if (twice !== undefined) return bad({ ...found.at, expected: notTwice(twice) }, ...unknown)
    const kept = bare === undefined ? before?.macs : owner?.macs
    const macs = [...new Set([...(row.change.macs ?? kept ?? []), ...('mac' in key ? [key.mac] : [])])]
    const others = macs
      .map((mac) => ({ mac, owner: ownerOf(mac) }))
      .filter(({ owner }) => owner && owner.id !== before?.id)
    const taken = others.filter(({ owner }) => !owner?.discovered || lineOf('machines', owner.id) !== undefined)
    const after = changed(before, macs, row)
    const isBare = after.macs.length === 0
    const entered = valueKeys(row.change)
    const sooner = entered
      .map((value) => now.values.get(value) ?? earlier.values.get(value))
      .find((other) => other !== undefined && (other.bare || isBare))
    const faults = [
      ...unknown,
      ...(sooner === undefined ? [] : [{ ...found.at, expected: notTwice(sooner.line) }]),
      ...alike
        .filter((other) => other.id !== before?.id && (isBare || other.macs.length === 0))
        .map((other) => takenFault(row.change, other)),
      ...taken.map(({ mac, owner }) => ({
        field: fieldOf(mac),
        value: mac,
        expected: `a MAC that no other machine has (machine ${owner && nameOf(owner)} has this MAC)`,
      })),
      ...tooMany({ ...valuesOf(after), macs: after.macs }),
      ...pinFaults(row.change.assignment, after.assignment, existing),
      ...(isIdentified(after) || after.sources ? [] : [{ field: 'mac', value: 'nothing', expected: identifiedBy }]),
      ...(changesInstall(row.change.assignment)
        ? everyBootFaults([{ ...after.assignment, field: 'assignment' }], existing.installers)
        : []),
    ]
    if (faults.length > 0) return bad(...faults)

    for (const value of entered) now.values.set(value, { line, bare: isBare })
    for (const mac of after.macs) now.macs.set(mac, line)
    const takesOver = [...new Set(others.map(({ owner }) => (owner as Machine).id))]
    for (const id of [after.id, ...takesOver]) now.machines.set(id, line)
    for (const mac of before?.macs ?? []) if (!after.macs.includes(mac)) now.released.set(mac, after.id)
    const same = before !== undefined && isSameJson(auditViewOf(before), auditViewOf(after))
    const outcome = same ? 'unchanged' : before === undefined || before.discovered ? 'created' : 'changed'
    return { line, outcome, before, after, takesOver }
  }
  return { plans: rows.map(plan), added: now }
}

export function notTwice(line: number): string {
  return `a machine that no earlier row names (line ${line} names it)`
}

type Found = { machine: Machine | undefined; at: { field: string; value: string } } | { faults: FieldFault[] }

function findFor(key: RowKey, existing: Existing, ownerOf: (mac: Mac) => Machine | undefined): Found {
  if ('mac' in key) return { machine: ownerOf(key.mac), at: { field: 'mac', value: key.mac } }
  if ('macs' in key) {
    const owners = [...new Set(key.macs.map(ownerOf))].filter((owner) => owner !== undefined)
    const entered = owners.filter((owner) => !owner.discovered)
    const at = { field: 'macs', value: key.macs.join(' ') }
    if (entered.length <= 1) return { machine: entered[0] ?? owners[0], at }
    const expected = `MACs of one machine, not of ${entered.map(nameOf).join(' and ')}`
    return { faults: [{ ...at, expected }] }
  }
  if ('id' in key) {
    const machine = existing.byId.get(key.id)
    const at = { field: 'id', value: key.id }
    return machine === undefined ? { faults: [{ ...at, expected: 'the id of a machine' }] } : { machine, at }
  }
  const [field, value, having] =
    'uuid' in key
      ? (['uuid', key.uuid, existing.byUuid(key.uuid)] as const)
      : (['serial', key.serial, existing.bySerial(key.serial, key.product)] as const)
  if (having.length > 1) return { faults: [{ field, value, expected: 'a value that only one machine has, or a MAC' }] }
  return { machine: having[0], at: { field, value } }
}

/** The machines that were entered with the UUID, or the serial and product, of a row. */
export function enteredWith({ uuid, serial, product }: MachineChange, existing: Existing): Machine[] {
  return [
    ...new Set([
      ...(uuid ? existing.byUuid(uuid) : []),
      ...(serial && product ? existing.bySerial(serial, product) : []),
    ]),
  ]
}

/** The machine as it will be. */
function changed(before: Machine | undefined, macs: Mac[], row: MachineRow): Machine {
  const change = { ...row.change }
  // The same UUID in the other byte order is not a change.
  if (change.uuid && before?.uuid === swapUuid(change.uuid)) change.uuid = before.uuid
  const values = changedValues(valuesOf(before ?? {}), change, row.replace)
  const kept = Object.fromEntries(Object.entries(before ?? freshMachine()).filter(([name]) => !(name in machineFields)))
  return { ...kept, ...presentOf(values), macs: [...macs].sort(), discovered: false } as Machine
}

function freshMachine() {
  return { id: newId(), facts: {}, revision: 1, createdAt: new Date(), updatedAt: new Date() }
}

const maxListedVersions = 20

/** The faults of a pinned version. */
export function pinFaults(
  change: AssignmentChange | null | undefined,
  after: Assignment | undefined,
  { names, versions }: Existing,
): FieldFault[] {
  const { image, version } = after ?? {}
  const given = typeof change?.version === 'number'
  // If the image does not exist, its name is the fault.
  const isUnknown = image !== undefined && typeof change?.image === 'string' && !names.image.has(image)
  if (!given || image === undefined || isUnknown || versions.has(formatImageRef({ image, version })))
    return lonePins(change, after)
  const numbers = [...versions]
    .filter((name) => name.startsWith(`${image}@`))
    .map((name) => name.slice(image.length + 1))
  const listed = numbers.toSorted((a, b) => Number(b) - Number(a)).slice(0, maxListedVersions)
  const expected = `a version of image ${image}${listed.length === 0 ? '' : `: ${listed.join(', ')}`}`
  return [{ field: 'assignment.version', value: String(version), expected }]
}

export function unknownNames(assignment: AssignmentChange | null | undefined, names: Existing['names']): FieldFault[] {
  return (Object.keys(names) as Referred[]).flatMap((kind) => {
    const name = assignment?.[kind]
    return name === undefined || name === null || names[kind].has(name)
      ? []
      : [{ field: `assignment.${kind}`, value: name, expected: `the name of ${referredWords[kind]}` }]
  })
}
