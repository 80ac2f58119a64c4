// The lines of the answer to a synchronization.
import type { PlannedRow } from '../../../inventory/machines/plan.ts'
import { valuesByPath } from '../../../inventory/machines/sync/paths.ts'
import type { Removal, SyncedRow, SyncPlan } from '../../../inventory/machines/sync/row.ts'
import { isSameJson } from '../../../lib/canonical.ts'
import { type Machine, nameOf } from '../../../model/machine.ts'
import type { SyncCounts } from '../../schemas/machines/sync.ts'

/** Bad rows, rows with an effect, and removed machines, each as a line of JSON; then the counts. */
export async function* planLines(plan: SyncPlan, counts: SyncCounts, owner: string): AsyncGenerator<string> {
  for (const { line, faults } of plan.bad) yield json({ line, errors: faults })
  for (const row of plan.rows) if (row.outcome !== 'unchanged' || row.kept.length > 0) yield json(rowLine(row, owner))
  for (const row of plan.moved) yield json(movedLine(row))
  for (const removal of plan.removals) yield json(removalLine(removal))
  yield json(counts)
}

function rowLine({ line, outcome, before, after, externalId, kept }: SyncedRow, owner: string) {
  const entered = before?.discovered ? undefined : before
  const changes = [...changesOf(entered, after), ...idChange(entered, externalId, owner)]
  const owners = { field: 'owners', before: 'people or other owners', after: owner }
  return {
    line,
    outcome,
    id: after.id,
    machine: named(before ?? after, externalId),
    ...(externalId !== undefined && { externalId }),
    changes: outcome === 'changed' && changes.length === 0 ? [owners] : changes,
    ...(kept.length > 0 && { kept }),
  }
}

function movedLine({ line, before, after }: PlannedRow) {
  return { line, outcome: 'changed', id: after.id, machine: named(before ?? after), changes: changesOf(before, after) }
}

function removalLine({ outcome, machine, after, why }: Removal) {
  const changes = after === undefined ? [] : changesOf(machine, after)
  return { outcome, id: machine.id, machine: named(machine), why, ...(changes.length > 0 && { changes }) }
}

/** A new machine may have nothing but its outside id. */
function named(machine: Machine, externalId?: string): string {
  return machine.name ?? machine.hostname ?? machine.macs[0] ?? externalId ?? nameOf(machine)
}

function changesOf(before: Machine | undefined, after: Machine) {
  const [old, now] = [valuesOf(before), valuesOf(after)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((field) => !isSameJson(old.get(field), now.get(field)))
    .map((field) => ({ field, before: old.get(field), after: now.get(field) }))
}

function valuesOf(machine: Machine | undefined): Map<string, unknown> {
  const { macs = [], ...rest } = machine ?? {}
  const values = valuesByPath(rest as Partial<Machine>)
  return macs.length === 0 ? values : new Map<string, unknown>([['macs', [...macs].sort()], ...values])
}

function idChange(before: Machine | undefined, after: string | undefined, owner: string) {
  const old = before?.sources?.find((source) => source.owner === owner)?.externalId
  return before === undefined || old === after ? [] : [{ field: 'externalId', before: old, after }]
}

function json(value: object): string {
  return `${JSON.stringify(value)}\n`
}
