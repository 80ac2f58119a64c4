// Saves many machines of an upload.

import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { ConflictError } from '../../lib/errors.ts'
import type { Machine } from '../../model/machine.ts'
import type { Actor } from '../changes/changes.ts'
import { addEarlier, type BadRow, type EarlierRows, type MachineRow, type PlannedRow, planRows } from './plan.ts'
import { lookUp } from './rows/look-up.ts'
import { write } from './rows/write.ts'

/**
 * Creates or changes the machines of some rows (up to a thousand), in one short transaction. Bad rows are left out, and
 * rows without a change leave no trace. With `dryRun` nothing is written. `earlier` describes the earlier rows of the
 * same upload, and these rows are added to it. A preview does not read the machines of `found` again.
 * @throws ConflictError when other requests keep changing the same machines
 */
export async function saveMachineRows(
  db: Db,
  rows: MachineRow[],
  { dryRun, by, found = [] }: { dryRun: boolean; by: Actor; found?: Machine[] | undefined },
  earlier: EarlierRows,
): Promise<(PlannedRow | BadRow)[]> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const { plans, added } = planRows(rows, await lookUp(db, rows, dryRun ? found : []), earlier)
    const work = plans.filter((plan): plan is PlannedRow => 'outcome' in plan && plan.outcome !== 'unchanged')
    if (dryRun || work.length === 0 || (await write(db, work, by))) {
      addEarlier(earlier, added)
      return plans
    }
  }
  throw new ConflictError('other requests are changing the same machines. Try again later')
}

/** Tells the planner of the database about many new machines. The embedded database has no autovacuum, which does that. */
export async function refreshStatistics(db: Db): Promise<void> {
  await db.execute(sql`analyze machines, machine_macs, machine_search`)
}
