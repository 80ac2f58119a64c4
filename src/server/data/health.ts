// The health of the database and of the data folder, as /healthz and /readyz report it. Called by data.ts.
import { statfs } from 'node:fs/promises'
import { sql } from 'drizzle-orm'
import type { Db, OpenDb } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { countCorruptedFiles } from '../../inventory/system/counts.ts'
import type { HealthSources } from '../../inventory/system/health.ts'
import { inTime } from '../../lib/time/in-time.ts'

const timeoutMs = 2000

/** Records of boots and the roster need this much space on the disk of the data folder. */
const minFreeBytes = 32 * 2 ** 20

/** Checks of the database and of the data folder. Each returns within two seconds, even if the database hangs. */
export function healthOf(
  { db, fault, isShort = () => false, away = () => undefined }: OpenDb,
  folder: string,
): HealthSources {
  return {
    databaseAnswers: () => isTrue(answers(db)),
    databaseIsShort: isShort,
    databaseFault: async () =>
      fault() ?? ((await isTrue(isReadOnly(db))) ? 'the database server is read-only' : undefined),
    databaseAway: away,
    diskFault: () => findDiskFault(folder),
    corruptedFiles: () => inTime(countCorruptedFiles(db), timeoutMs),
  }
}

async function findDiskFault(folder: string): Promise<string | undefined> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  return free >= minFreeBytes
    ? undefined
    : `the disk of ${folder} is full: expected at least ${minFreeBytes} free bytes, got ${free}`
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
