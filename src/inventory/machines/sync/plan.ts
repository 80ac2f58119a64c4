// Plans a synchronization: what each row changes, and what the owner no longer names. Pure.

import { isSameJson } from '../../../lib/canonical.ts'
import type { FieldFault } from '../../../lib/errors.ts'
import type { Mac } from '../../../lib/ids/mac.ts'
import { newId } from '../../../lib/ids/uuid.ts'
import { changesInstall, everyBootFaults } from '../../../model/every-boot.ts'
import { machinePath } from '../../../model/identity/field-owners.ts'
import { identifiedBy, isIdentified } from '../../../model/identity/identity.ts'
import { handleOf, type Machine, nameOf } from '../../../model/machine.ts'
import { machineFields, valuesOf } from '../fields.ts'
import { takenFault, valueKeys } from '../identity/same-key.ts'
import { auditViewOf, presentOf, tooMany } from '../machines.ts'
import { type BadRow, enteredWith, type PlannedRow, pinFaults, unknownNames } from '../plan.ts'
import { planMacs } from './macs.ts'
import { externalIdOf, type Match, matchRows } from './match.ts'
import { fieldsAfter, keptField } from './owned-fields.ts'
import { planRemovals } from './removals.ts'
import type { KeptField, Removal, SyncExisting, SyncedRow, SyncOptions, SyncPlan, SyncRow } from './row.ts'

/** Plans all rows of an owner together: their order does not matter. Changes nothing. */
export function planSync(rows: SyncRow[], existing: SyncExisting, options: SyncOptions): SyncPlan {
  const { owner, prune } = options
  const found = matchRows(rows, existing, owner)
  const bad = found.filter((match): match is BadRow => 'faults' in match)
  const matches = found.filter((match): match is Match => 'row' in match)
  const held = matches.filter((match) => isHeldBack(match, options))
  const working = matches.filter((match) => !held.includes(match))
  const named = new Set([...matches.map(({ before }) => before?.id), ...badIds(rows, bad, existing, owner)])
  const removals = prune ? planRemovals(existing, named, owner) : []
  const gone = new Set(removals.flatMap(({ outcome, machine }) => (outcome === 'archived' ? [machine.id] : [])))
  const macs = planMacs(working, existing, gone, options)
  const planned = [
    ...working.map((match) => planRow(match, macs.of(match), existing, options)),
    ...macs.moved.flatMap(({ line, before, after }): BadRow[] => {
      const faults = before === undefined ? [] : busyFaults(before, after, existing)
      return faults.length === 0 ? [] : [{ line, faults }]
    }),
  ]
  const afterById = new Map([
    ...planned.flatMap((row) => ('after' in row ? [[row.after.id, row.after] as const] : [])),
    ...macs.moved.map(({ after }) => [after.id, after] as const),
  ])
  const clashes = planned.map((row) => ('after' in row ? clashOf(row, existing, gone, afterById) : row))
  return {
    rows: [...clashes.filter((row): row is SyncedRow => 'after' in row), ...held.map(heldRow)].sort(
      (a, b) => a.line - b.line,
    ),
    bad: [...bad, ...clashes.filter((row): row is BadRow => 'faults' in row)].sort((a, b) => a.line - b.line),
    ...withMoves(removals, macs.moved),
    owned: existing.owned.length,
  }
}

/** A machine that the owner no longer names may lose a MAC to a row at the same time. */
function withMoves(removals: Removal[], moved: PlannedRow[]): Pick<SyncPlan, 'removals' | 'moved'> {
  const lost = new Map(moved.map(({ after }) => [after.id, after.macs]))
  const both = removals.map((removal): Removal => {
    const { machine, after } = removal
    const macs = lost.get(machine.id)
    if (after === undefined || macs === undefined) return removal
    const kept = after.macs.filter((mac) => macs.includes(mac))
    const owners = Object.fromEntries(
      Object.entries(after.owners ?? {}).filter(([path]) => !path.startsWith('macs.') || kept.includes(path.slice(5))),
    )
    return { ...removal, after: { ...after, macs: kept, owners }, owners }
  })
  const released = new Set(both.flatMap(({ after }) => after?.id ?? []))
  return { removals: both, moved: moved.filter(({ after }) => !released.has(after.id)) }
}

/** A bad row still names its machine, so that the plan does not list the machine as removed too. */
function badIds(rows: SyncRow[], bad: BadRow[], existing: SyncExisting, owner: string): string[] {
  const lines = new Set(bad.map(({ line }) => line))
  const ids = new Set(rows.filter(({ line }) => lines.has(line)).flatMap(({ externalId }) => externalId ?? []))
  return existing.owned.filter((machine) => ids.has(externalIdOf(machine, owner) ?? '')).map(({ id }) => id)
}

/** A person archived the machine, so it stays archived. */
function isHeldBack({ archived }: Match, { takeOver }: SyncOptions): boolean {
  return archived !== undefined && !takeOver && typeof archived.machine.owners?.[machinePath] !== 'string'
}

function heldRow({ row, archived }: Match): SyncedRow {
  const machine = archived?.machine as Machine
  const kept = keptField(machinePath, 'archived', 'in use', machine.owners?.[machinePath])
  return {
    line: row.line,
    outcome: 'unchanged',
    before: machine,
    after: machine,
    takesOver: [],
    owners: machine.owners ?? {},
    externalId: row.externalId,
    kept: [kept],
    dropped: [],
  }
}

function planRow(
  match: Match,
  { macs, owned, kept: keptMacs }: { macs: Mac[]; owned: Mac[]; kept: KeptField[] },
  existing: SyncExisting,
  options: SyncOptions,
): SyncedRow | BadRow {
  const { row, before, archived, takesOver } = match
  const { owner, takeOver } = options
  const entered = before?.discovered ? undefined : before
  const { values, owners, kept, dropped } = fieldsAfter(entered, row.change, options)
  const externalId = row.externalId ?? (before && externalIdOf(before, owner))
  const others = before?.sources?.filter((source) => source.owner !== owner) ?? []
  const sources = [...others, { owner, ...(externalId !== undefined && { externalId }) }].sort((a, b) =>
    a.owner < b.owner ? -1 : 1,
  )
  for (const path of Object.keys(owners))
    if (path.startsWith('macs.') && owners[path] === owner && !macs.includes(path.slice(5))) delete owners[path]
  for (const mac of owned) owners[`macs.${mac}`] = owner
  if (entered === undefined || takeOver || archived !== undefined) owners[machinePath] = owner
  const base = before ?? { id: newId(), facts: {}, revision: 1, createdAt: new Date(), updatedAt: new Date() }
  const after = {
    ...Object.fromEntries(Object.entries(base).filter(([name]) => !(name in machineFields))),
    ...presentOf(values),
    macs: [...macs].sort(),
    discovered: false,
    owners,
    sources,
  } as Machine
  const faults = faultsOf(row, entered, after, existing)
  if (faults.length > 0) return { line: row.line, faults }
  const same =
    entered !== undefined &&
    isSameJson(auditViewOf(entered), auditViewOf(after)) &&
    isSameJson(entered.owners ?? {}, owners) &&
    isSameJson(entered.sources ?? [], sources)
  return {
    line: row.line,
    outcome: archived ? 'restored' : entered === undefined ? 'created' : same ? 'unchanged' : 'changed',
    before,
    after,
    takesOver: takesOver.map(({ id }) => id),
    owners,
    externalId,
    kept: [...kept, ...keptMacs],
    dropped,
    ...(archived && { restores: archived }),
  }
}

function faultsOf(row: SyncRow, before: Machine | undefined, after: Machine, existing: SyncExisting): FieldFault[] {
  const { assignment } = row.change
  const isKnown = isIdentified(after) || after.sources?.some(({ externalId }) => externalId !== undefined)
  return [
    ...unknownNames(assignment, existing.names),
    ...(before === undefined ? [] : busyFaults(before, after, existing)),
    ...tooMany({ ...valuesOf(after), macs: after.macs }),
    ...(isKnown ? [] : [{ field: 'externalId', value: 'nothing', expected: `an externalId, or ${identifiedBy}` }]),
    ...pinFaults(assignment, after.assignment, existing),
    ...(changesInstall(assignment)
      ? everyBootFaults([{ ...after.assignment, field: 'assignment' }], existing.installers)
      : []),
  ]
}

/** What identifies a machine does not change while a deployment could install another computer in its place. */
function busyFaults(before: Machine, after: Machine, { busy }: Pick<SyncExisting, 'busy'>): FieldFault[] {
  if (!busy.has(before.id)) return []
  const fields = (['macs', 'uuid', 'serial', 'product'] as const).filter(
    (field) => !isSameJson(before[field] ?? null, after[field] ?? null),
  )
  return fields.map((field) => ({
    field,
    value: String(after[field] ?? 'nothing'),
    expected: `no change while machine ${nameOf(before)} has an active deployment (to cancel it: bootwright machine show ${handleOf(before)})`,
  }))
}

/** A UUID, or a serial with its product, that another machine has too, when one of the two has no MACs. */
function clashOf(
  row: SyncedRow,
  existing: SyncExisting,
  gone: ReadonlySet<string>,
  afterById: ReadonlyMap<string, Machine>,
): SyncedRow | BadRow {
  const { before, after } = row
  if (
    before !== undefined &&
    isSameJson(valueKeys(before), valueKeys(after)) &&
    before.macs.length === after.macs.length
  )
    return row
  const others = enteredWith(after, existing)
    .filter(({ id }) => id !== after.id && !gone.has(id))
    .map((other) => afterById.get(other.id) ?? other)
    .filter((other) => valueKeys(other).some((key) => valueKeys(after).includes(key)))
    .filter((other) => after.macs.length === 0 || other.macs.length === 0)
  const [other] = others
  return other === undefined ? row : { line: row.line, faults: [takenFault(after, other)] }
}
