// Migrates a PostgreSQL database to the schema of this program, and checks that the server answers. Called by open-postgres.ts.
import { setTimeout as wait } from 'node:timers/promises'
import { sql as text } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import { ConfigError, messageOf } from '../../lib/errors.ts'
import { DatabaseTimeoutError } from '../../lib/outage.ts'
import { inTime } from '../../lib/time/in-time.ts'
import { recordProgram, refuseNewerDatabase } from '../newer.ts'
import { asDb, type Db, migrationsFolder } from '../open.ts'
import { rowsOf } from '../rows.ts'
import { connectSeconds, openSingle } from './postgres-pool.ts'

// Any number, the same for all instances. The instance that holds this advisory lock migrates; the others wait.
const migrationLock = 6_907_508
const lockRetryMs = 250
/** Index builds on large tables take minutes. */
const maxMigrationSilenceSeconds = 600
/** How long the server may take to accept a connection and to answer it, milliseconds. */
const checkMs = 3000

/**
 * Migrates the database, then runs `prepare` on it. Several instances may do so at once: one after the other.
 * @throws ConfigError with the cause if the database cannot be reached, or if a newer program has migrated it
 */
export async function preparePostgres(url: string, prepare: (db: Db) => Promise<void>): Promise<void> {
  const connection = openSingle(url, { silence_timeout: maxMigrationSilenceSeconds })
  try {
    await connect(connection)
    const database = drizzle(connection)
    const db = asDb(database)
    await takeLock(db)
    await refuseNewerDatabase(db)
    await migrate(database, { migrationsFolder })
    await recordProgram(db)
    await prepare(db)
  } finally {
    await connection.end({ timeout: 1 })
  }
}

/** Resolves if the server accepts a connection and answers it. @throws the reason if it does not */
export async function checkPostgres(url: string): Promise<void> {
  const connection = openSingle(url, { connect_timeout: checkMs / 1000, fetch_types: false })
  try {
    const answer = connection`select 1`.then(() => true)
    answer.catch(() => {})
    if ((await inTime(answer, checkMs)) !== true) throw silent(checkMs)
  } finally {
    connection.end({ timeout: 0 }).catch(() => {})
  }
}

async function connect(connection: ReturnType<typeof openSingle>): Promise<void> {
  const maxMs = connectSeconds * 1000
  const connected = async () => {
    const answer = connection`select 1`.then(() => true)
    answer.catch(() => {})
    if ((await inTime(answer, maxMs)) !== true) throw silent(maxMs)
  }
  await connected().catch((error: unknown) => {
    const { host, port, path } = connection.options
    const where = path || `${host[0]}:${port[0]}`
    throw new ConfigError(`DATABASE_URL: cannot connect to ${where}: ${messageOf(error)}`, { cause: error })
  })
}

// A statement that waits for the lock would look like a dead server.
async function takeLock(db: Db): Promise<void> {
  for (;;) {
    const found = await db.execute(text`select pg_try_advisory_lock(${migrationLock}) as taken`)
    if (rowsOf<{ taken: boolean }>(found)[0]?.taken === true) return
    await wait(lockRetryMs)
  }
}

function silent(ms: number): DatabaseTimeoutError {
  return new DatabaseTimeoutError(`the database did not answer within ${ms / 1000} s`)
}
