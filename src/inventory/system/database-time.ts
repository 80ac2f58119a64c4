import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'

/** The time of the database's clock; undefined if its answer has no time. */
export async function findDatabaseTime(db: Db): Promise<Date | undefined> {
  const [row] = rowsOf<{ now: string | Date }>(await db.execute(sql`select clock_timestamp() as now`))
  return row === undefined ? undefined : new Date(row.now)
}
