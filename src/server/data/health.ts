// The health of the database, as /healthz reports it.
import { sql } from 'drizzle-orm'
import type { Db, OpenDb } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { HealthSources } from '../../inventory/system/health.ts'
import { inTime } from '../../lib/time/in-time.ts'

const timeoutMs = 2000

/** Checks of the database. Each returns within two seconds, even if the database hangs. */
export function healthOf({ db, fault, isShort = () => false }: OpenDb): HealthSources {
  return {
    databaseAnswers: () => isTrue(answers(db)),
    databaseIsShort: isShort,
    databaseFault: async () =>
      fault() ?? ((await isTrue(isReadOnly(db))) ? 'the database server is read-only' : undefined),
  }
}

async function answers(db: Db): Promise<boolean> {
  await db.execute(sql`select 1`)
  return true
}

// True for a standby, and for a PostgreSQL with default_transaction_read_only.
async function isReadOnly(db: Db): Promise<boolean> {
  const result = await db.execute(sql`select current_setting('transaction_read_only') as "readOnly"`)
  return rowsOf<{ readOnly: string }>(result)[0]?.readOnly === 'on'
}

/** False also for an answer that fails or comes too late. */
async function isTrue(answer: Promise<boolean>): Promise<boolean> {
  return (await inTime(answer, timeoutMs).catch(() => false)) ?? false
}
