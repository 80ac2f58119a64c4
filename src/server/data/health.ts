// The sources of the database's health.
import { sql } from 'drizzle-orm'
import type { Db, OpenDb } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { HealthSources } from '../../inventory/system/health.ts'

const deadlineMs = 2000

/** Questions about the database that are answered within two seconds, also by one that hangs. */
export function healthOf({ db, fault, isShort = () => false }: OpenDb): HealthSources {
  return {
    databaseAnswers: () => inTwoSeconds(answers(db), false),
    databaseIsShort: isShort,
    databaseFault: async () =>
      fault() ?? ((await inTwoSeconds(isReadOnly(db), false)) ? 'the database server is read-only' : undefined),
  }
}

async function answers(db: Db): Promise<boolean> {
  await db.execute(sql`select 1`)
  return true
}

// A PostgreSQL that is a standby, or was set to read-only.
async function isReadOnly(db: Db): Promise<boolean> {
  const result = await db.execute(sql`select current_setting('transaction_read_only') as "readOnly"`)
  return rowsOf<{ readOnly: string }>(result)[0]?.readOnly === 'on'
}

function inTwoSeconds<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  const late = new Promise<T>((resolve) => setTimeout(resolve, deadlineMs, otherwise).unref())
  return Promise.race([answer.catch(() => otherwise), late])
}
