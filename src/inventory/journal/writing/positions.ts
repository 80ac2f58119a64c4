// How much of each journal is in the database. Called by writer.ts, write-batch.ts and the housekeeping.
import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Tx } from '../../../db/transaction.ts'

/** The offset of the first record of a run that is not written. A new run begins at `first`. */
export async function openPosition(db: Db, run: string, first: number): Promise<number> {
  const found = await db.execute(sql`
    with made as (
      insert into journal_runs (run, position) values (${run}, ${first}) on conflict (run) do nothing returning position)
    select position from made union all select position from journal_runs where run = ${run}`)
  return Number(rowsOf<{ position: number | string }>(found)[0]?.position ?? first)
}

/**
 * Moves the position of a run, as the first statement of a transaction: another writer of the run then waits for its end. Returns
 * the transaction's time, in milliseconds; undefined if the position is not `from`, for example after a commit whose answer was lost.
 */
export async function movePosition(tx: Tx, run: string, from: number, to: number): Promise<number | undefined> {
  const moved = await tx.execute(sql`
    update journal_runs set position = ${to}, at = now() where run = ${run} and position = ${from}
    returning extract(epoch from now())::float8 * 1000 as now`)
  return rowsOf<{ now: number }>(moved)[0]?.now
}

/** Deletes the rows of runs that ended long ago. */
export async function pruneRuns(db: Db): Promise<void> {
  await db.execute(sql`delete from journal_runs where at < now() - interval '90 days'`)
}
