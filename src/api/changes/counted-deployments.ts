// Counts the machines that armed and cancelled deployments concern.
import type { Db } from '../../db/open.ts'
import { compareArmed, compareMachines } from '../../decide/concerns/concerns.ts'
import { loadCatalog } from '../../inventory/boots/catalog.ts'
import { findCounted } from '../../inventory/boots/counted-machines.ts'
import type { BulkArmed, DeploymentOrder } from '../../inventory/boots/deployments.ts'
import type { Counted } from './counted.ts'

/** Counts what the machines of armed deployments boot. None of them had an active deployment before. */
export async function countArmed(
  db: Db,
  { armed }: Pick<BulkArmed, 'armed'>,
  order: DeploymentOrder,
  dryRun: boolean,
): Promise<Counted> {
  const machines = await findCounted(
    db,
    armed.map(({ machineId }) => machineId),
  )
  const before = machines.map(({ installs: _, ...machine }) => machine)
  return { applied: !dryRun, ...(await compareArmed(db, before, order)) }
}

/** Cancels deployments, or only lists them, and counts what their machines boot. */
export async function countCancelled<Row extends { machineId: string }>(
  db: Db,
  dryRun: boolean,
  cancel: (db: Db, dryRun: boolean) => Promise<Row[]>,
): Promise<{ cancelled: Row[]; concerns: Counted }> {
  const listed = await cancel(db, true)
  const machines = await findCounted(
    db,
    listed.map(({ machineId }) => machineId),
  )
  const catalog = await loadCatalog(db)
  const cancelled = dryRun ? listed : await cancel(db, false)
  const ids = new Set(cancelled.map(({ machineId }) => machineId))
  const changed = machines
    .filter(({ id }) => ids.has(id))
    .map((before) => {
      const { installs: _, ...after } = before
      return { before, after }
    })
  return { cancelled, concerns: { applied: !dryRun, ...compareMachines(catalog, catalog, changed) } }
}
