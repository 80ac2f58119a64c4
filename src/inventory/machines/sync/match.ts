// Finds the machine of each row of an owner. Pure.

import type { FieldFault } from '../../../lib/errors.ts'
import { isSameUuid } from '../../../lib/ids/uuid.ts'
import { isSame } from '../../../model/identity/contradictions.ts'
import { type Machine, nameOf } from '../../../model/machine.ts'
import { valueKeys } from '../identity/same-key.ts'
import { type BadRow, enteredWith, notTwice } from '../plan.ts'
import type { ArchivedMachine, SyncExisting, SyncRow } from './row.ts'

/** A row with its machine. `takesOver`: discovered machines that are this machine. */
export type Match = {
  row: SyncRow
  before: Machine | undefined
  archived?: ArchivedMachine
  takesOver: Machine[]
}

/** The id of a machine in the inventory of an owner. */
export function externalIdOf(machine: Machine, owner: string): string | undefined {
  return machine.sources?.find((source) => source.owner === owner)?.externalId
}

/**
 * Finds the machines of rows in any order: first by id and outside id, then by MAC, UUID and serial among the other machines.
 * So an outside id may be renamed, and MACs may move between the machines of the rows.
 */
export function matchRows(rows: SyncRow[], existing: SyncExisting, owner: string): (Match | BadRow)[] {
  const twice = findTwice(rows)
  const claimed = new Map<string, number>()
  const claim = (row: SyncRow, id: string, at: FieldFault): BadRow | undefined => {
    const line = claimed.get(id)
    if (line !== undefined) return { line: row.line, faults: [{ ...at, expected: notTwice(line) }] }
    claimed.set(id, row.line)
    return undefined
  }
  const byExternalId = new Map(
    existing.owned.flatMap((machine) => {
      const externalId = externalIdOf(machine, owner)
      return externalId === undefined ? [] : [[externalId, machine] as const]
    }),
  )
  const archivedByExternalId = new Map(
    existing.archived.flatMap((archived) => {
      const externalId = externalIdOf(archived.machine, owner)
      return externalId === undefined ? [] : [[externalId, archived] as const]
    }),
  )

  const results = new Map<SyncRow, Match | BadRow>()
  for (const row of rows) {
    const { line, id, externalId } = row
    const bad = twice.get(row)
    if (bad !== undefined) {
      results.set(row, { line, faults: bad })
      continue
    }
    const outside = externalId === undefined ? undefined : byExternalId.get(externalId)
    const byId = id === undefined ? undefined : existing.byId.get(id)
    const at = id === undefined ? { field: 'externalId', value: externalId ?? '' } : { field: 'id', value: id }
    if (id !== undefined && byId === undefined)
      results.set(row, { line, faults: [{ ...at, expected: 'the id of a machine' }] })
    else if (byId && outside && byId.id !== outside.id) {
      const expected = `an id that no other machine has in ${owner} (machine ${nameOf(outside)} has this id)`
      results.set(row, { line, faults: [{ field: 'externalId', value: externalId ?? '', expected }] })
    } else {
      const before = byId ?? outside
      const archived = before || externalId === undefined ? undefined : archivedByExternalId.get(externalId)
      if (before === undefined && archived === undefined) continue
      const found = { row, before: before ?? archived?.machine, ...(archived && { archived }), takesOver: [] }
      results.set(row, claim(row, (found.before as Machine).id, { ...at, expected: '' }) ?? found)
    }
  }
  for (const row of rows) {
    const found = results.get(row) ?? findByValues(row, existing, owner, claimed)
    const isNew = !results.has(row)
    const match = 'faults' in found ? found : withDiscovered(found, existing, claimed)
    const at = { field: 'macs', value: row.change.macs?.join(' ') || row.change.uuid || row.change.serial || '' }
    const id = isNew && 'row' in match ? match.before?.id : undefined
    const clash = id === undefined ? undefined : claim(row, id, { ...at, expected: '' })
    if (clash === undefined && 'row' in match) for (const other of match.takesOver) claimed.set(other.id, row.line)
    results.set(row, clash ?? match)
  }
  return rows.map((row) => results.get(row) as Match | BadRow)
}

function findByValues(
  row: SyncRow,
  existing: SyncExisting,
  owner: string,
  claimed: ReadonlyMap<string, number>,
): Match | BadRow {
  const { line, change, externalId } = row
  const { macs = [], uuid, serial, product } = change
  // A machine with another outside id is renamed, unless its board is another.
  const canBe = (machine: Machine) => {
    const other = externalIdOf(machine, owner)
    return other === undefined || externalId === undefined || !isOtherBoard(machine, change)
  }
  const holders = unique(macs.flatMap((mac) => existing.byMac.get(mac) ?? []))
  const entered = holders.filter((machine) => !machine.discovered && !claimed.has(machine.id) && canBe(machine))
  if (entered.length > 1) {
    const expected = `MACs of one machine, not of ${entered.map(nameOf).join(' and ')}`
    return { line, faults: [{ field: 'macs', value: macs.join(' '), expected }] }
  }
  const alike = enteredWith({ uuid, serial, product }, existing).filter(
    (machine) => !claimed.has(machine.id) && canBe(machine) && (macs.length === 0 || machine.macs.length === 0),
  )
  if (entered.length === 0 && alike.length > 1) {
    const field = uuid ? 'uuid' : 'serial'
    const expected = 'a value that only one machine has, or a MAC'
    return { line, faults: [{ field, value: (uuid ? uuid : serial) ?? '', expected }] }
  }
  const before = entered[0] ?? alike[0]
  if (before !== undefined) return { row, before, takesOver: [] }
  const archived = existing.archived.find(
    (other) =>
      !claimed.has(other.id) &&
      canBe(other.machine) &&
      (other.macs.some((mac) => macs.includes(mac)) ||
        (macs.length === 0 &&
          valueKeys(other.machine).some((key) => valueKeys({ uuid, serial, product }).includes(key)))),
  )
  return { row, before: archived?.machine, ...(archived && { archived }), takesOver: [] }
}

/** Discovered machines with a MAC of the row, or of its archived machine, are its machine. */
function withDiscovered(match: Match, existing: SyncExisting, claimed: ReadonlyMap<string, number>): Match {
  const macs = [...(match.row.change.macs ?? []), ...(match.archived?.macs ?? [])]
  const seen = unique(macs.flatMap((mac) => existing.byMac.get(mac) ?? [])).filter(
    (machine) => machine.discovered && !claimed.has(machine.id) && machine.id !== match.before?.id,
  )
  const { before = seen[0] } = match
  return { ...match, before, takesOver: seen.filter((machine) => machine.id !== before?.id) }
}

/** Both have a UUID, or a serial, and not the same. */
function isOtherBoard(machine: Machine, { uuid, serial }: SyncRow['change']): boolean {
  if (uuid && machine.uuid) return !isSameUuid(uuid, machine.uuid)
  return Boolean(serial && machine.serial && !isSame(serial, machine.serial))
}

/** The faults of rows with a value that an earlier row has. */
function findTwice(rows: SyncRow[]): Map<SyncRow, FieldFault[]> {
  const seen = new Map<string, { line: number; bare: boolean }>()
  const twice = new Map<SyncRow, FieldFault[]>()
  for (const row of rows) {
    const { line, id, externalId, change } = row
    const { macs = [] } = change
    const bare = macs.length === 0
    const named = [
      ...(id === undefined ? [] : [{ field: 'id', value: id, key: `id ${id}`, always: true }]),
      ...(externalId === undefined
        ? []
        : [{ field: 'externalId', value: externalId, key: `externalId ${externalId}`, always: true }]),
      ...macs.map((mac) => ({ field: 'macs', value: mac, key: `mac ${mac}`, always: true })),
      // Makers give one value to many boards, so only a machine without MACs needs a value of its own.
      ...valueKeys(change).map((key) => ({
        field: key.startsWith('UUID') ? 'uuid' : 'serial',
        value: (key.startsWith('UUID') ? change.uuid : change.serial) ?? '',
        key,
        always: false,
      })),
    ]
    const faults = named.flatMap(({ field, value, key, always }) => {
      const other = seen.get(key)
      if (other === undefined || !(always || ((bare || other.bare) && externalId === undefined))) return []
      return [{ field, value, expected: notTwice(other.line) }]
    })
    for (const { key } of named) if (!seen.has(key)) seen.set(key, { line, bare })
    if (faults.length > 0) twice.set(row, faults)
  }
  return twice
}

function unique(machines: Machine[]): Machine[] {
  return [...new Map(machines.map((machine) => [machine.id, machine])).values()]
}
