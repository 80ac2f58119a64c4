// What an owner's row changes of a machine, and what stays because people or other owners set it. Pure.

import { isSameJson } from '../../../lib/canonical.ts'
import { swapUuid } from '../../../lib/ids/uuid.ts'
import { type FieldOwner, type FieldOwners, machinePath } from '../../../model/identity/field-owners.ts'
import type { Machine } from '../../../model/machine.ts'
import { assignmentFieldNames, assignmentFields } from '../assignment-change.ts'
import { changedValues, type MachineChange, type MachineValues, machineFields, valuesOf } from '../fields.ts'
import { presentOf } from '../machines.ts'
import { choicePath, namedPaths, valuesByPath } from './paths.ts'
import type { KeptField, SyncOptions } from './row.ts'

/** The values and owners of a machine after a row, besides its MACs. */
type FieldsAfter = { values: MachineValues; owners: FieldOwners; kept: KeptField[]; dropped: string[] }

/** Whether an owner may replace a value. An absent value without an owner is free; any other value without one is a person's. */
export function mayReplace(
  holder: FieldOwner | undefined,
  current: unknown,
  { owner, takeOver }: Pick<SyncOptions, 'owner' | 'takeOver'>,
): boolean {
  return takeOver || holder === owner || (holder === undefined && current === undefined)
}

/** A value that stays, with its owner. */
export function keptField(field: string, value: unknown, given: unknown, holder: FieldOwner | undefined): KeptField {
  if (typeof holder === 'string') return { field, value, given, by: holder, isPerson: false }
  return { field, value, given, by: holder?.by ?? 'a person', ...(holder && { at: holder.at }), isPerson: true }
}

/** Applies the fields of a row to a machine; undefined for a new or discovered machine, whose fields become the owner's. */
export function fieldsAfter(before: Machine | undefined, row: MachineChange, options: SyncOptions): FieldsAfter {
  const { owner, prune } = options
  const current = valuesByPath(before ?? {})
  const owners: FieldOwners = { ...before?.owners }
  const change = withoutMacs(row, before)
  const named = namedPaths(change)
  const kept: KeptField[] = []
  for (const path of clearedByGroup(row, owners, owner)) if (!named.has(path)) named.set(path, null)
  const dropped: string[] = []
  if (prune)
    for (const path of ownPaths(owners, owner))
      if (!named.has(path)) {
        named.set(path, null)
        if (current.has(path)) dropped.push(path)
      }
  const applied: [string, unknown][] = []
  for (const [path, given] of named) {
    const value = current.get(path)
    const after = given === null || given === false ? undefined : given
    const holder = owners[path]
    const isSame = isSameJson(value, after)
    if (!mayReplace(holder, value, options)) {
      if (!isSame) kept.push(keptField(path, value, given, holder))
      continue
    }
    if (!isSame) applied.push([path, given])
    if (after !== undefined) owners[path] = owner
    else delete owners[path]
  }
  const values = changedValues(valuesOf(before ?? {}), changeOf(applied))
  return { values, owners, kept, dropped }
}

/**
 * The machine after its owner no longer names it: without the owner's fields. Its entry, and MACs without which it could never boot,
 * pass to the next owner that names it, or to people.
 * @param heir the next owner, if it does not name the machine yet
 */
export function releasedMachine(machine: Machine, owner: string, heir?: string): Machine {
  const { sources = [], macs, ...rest } = machine
  const owners = Object.fromEntries(Object.entries(machine.owners ?? {}).filter(([, holder]) => holder !== owner))
  const others = sources.filter((source) => source.owner !== owner)
  const next = heir ?? (machine.owners?.[machinePath] === owner ? others[0]?.owner : machine.owners?.[machinePath])
  if (next !== undefined) owners[machinePath] = next
  const remaining = macs.filter((mac) => machine.owners?.[`macs.${mac}`] !== owner)
  if (remaining.length === 0 && typeof next === 'string') for (const mac of macs) owners[`macs.${mac}`] = next
  const cleared = changeOf(ownPaths(machine.owners ?? {}, owner).map((path) => [path, null]))
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => !(name in machineFields))),
    ...presentOf(changedValues(valuesOf(machine), cleared)),
    macs: remaining.length > 0 ? remaining : macs,
    owners,
    ...(others.length > 0 && { sources: others }),
  } as Machine
}

/** The paths of the fields that an owner set, besides MACs and the machine itself. */
function ownPaths(owners: FieldOwners, owner: string): string[] {
  return Object.keys(owners).filter(
    (path) => owners[path] === owner && path !== machinePath && !path.startsWith('macs.'),
  )
}

function withoutMacs({ macs: _, ...change }: MachineChange, before: Machine | undefined): MachineChange {
  // The same UUID in the other byte order is not a change.
  if (change.uuid && before?.uuid === swapUuid(change.uuid)) return { ...change, uuid: before.uuid }
  return change
}

/** A row whose labels or assignment are null clears those of the owner. */
function clearedByGroup(change: MachineChange, owners: FieldOwners, owner: string): string[] {
  const groups = (['labels', 'assignment'] as const).filter((group) => change[group] === null)
  return ownPaths(owners, owner).filter((path) => groups.some((group) => path.startsWith(`${group}.`)))
}

/** A change of these paths. */
function changeOf(paths: [string, unknown][]): MachineChange {
  const change: Record<string, unknown> = {}
  for (const [path, value] of paths) {
    const [, group = '', name = ''] = /^(labels|assignment)\.(.*)$/s.exec(path) ?? []
    const [, field = '', key = ''] = /^(params|localBoot)\.(.*)$/s.exec(name) ?? []
    if (path === choicePath) Object.assign(within(change, group), choiceChange(value))
    else if (group === 'assignment' && field !== '') within(within(change, group), field)[key] = value
    else if (group !== '') within(change, group)[name] = value
    else change[path] = value
  }
  return change as MachineChange
}

function within(change: Record<string, unknown>, name: string): Record<string, unknown> {
  const inner = (change[name] ?? {}) as Record<string, unknown>
  change[name] = inner
  return inner
}

function choiceChange(value: unknown): object {
  if (value !== null && value !== undefined) return value as object
  const fields = assignmentFieldNames.filter((field) => ['choice', 'ofChoice'].includes(assignmentFields[field].merge))
  return Object.fromEntries(fields.map((field) => [field, null]))
}
