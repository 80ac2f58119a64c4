// The health of the database, as /healthz reports it.
import { sql } from 'drizzle-orm'
import type { Db, OpenDb } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { HealthSources } from '../../inventory/system/health.ts'

const timeoutMs = 2000

/** Checks of the database. Each returns within two seconds, even if the database hangs. */
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

// True for a standby, and for a PostgreSQL with default_transaction_read_only.
async function isReadOnly(db: Db): Promise<boolean> {
  const result = await db.execute(sql`select current_setting('transaction_read_only') as "readOnly"`)
  return rowsOf<{ readOnly: string }>(result)[0]?.readOnly === 'on'
}

function inTwoSeconds<T>(answer: Promise<T>, fallback: T): Promise<T> {
  const timeout = new Promise<T>((resolve) => setTimeout(resolve, timeoutMs, fallback).unref())
  return Promise.race([answer.catch(() => fallback), timeout])
}
