// Opens PostgreSQL, and defines the database type for all drivers.

import { join } from 'node:path'
import type { PgDatabase, PgQueryResultHKT, PgTransactionConfig } from 'drizzle-orm/pg-core'
import type { PgliteDatabase } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgres, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { migrate as migratePostgres } from 'drizzle-orm/postgres-js/migrator'
import { ConfigError, messageOf } from '../lib/errors.ts'
import { programDir } from '../lib/program-dir.ts'
import { recordProgram, refuseNewerDatabase } from './newer.ts'
import { openPool, openSingle } from './postgres-pool.ts'
import type { Tx } from './transaction.ts'

type Drizzle = PgDatabase<PgQueryResultHKT>

/** The database, with either driver; also inside a transaction (see Tx). */
export type Db = Omit<Drizzle, 'transaction'> & {
  transaction: <Result>(work: (tx: Tx) => Promise<Result>, options?: PgTransactionConfig) => Promise<Result>
}

/** A driver's database as `Db`. Drivers differ in the result of `execute`, which `rowsOf` reads. */
export function asDb(database: PostgresJsDatabase | PgliteDatabase): Db {
  return database as unknown as Db
}

export type OpenDb = {
  db: Db
  /** The same database for machines that boot: it answers within seconds, or throws. Absent if `db` does so already. */
  bootDb?: Db
  /** The database server has too few connections for this process. */
  isShort?: () => boolean
  close: () => Promise<void>
  /** Why nothing can be changed now, in words; undefined while no fault is found. */
  fault: () => string | undefined
}

/** The migrations, in the order of their names, for whichever driver. */
export const migrationsFolder = join(programDir, 'migrations')

// Any number, the same for all instances. The instance that holds this advisory lock migrates; the others wait.
const migrationLock = 6_907_508

/** How long a machine that boots may wait for one answer of the database, milliseconds. */
const bootDeadlineMs = 5000

/** Hears how long each statement or transaction took, from the call to its result. */
export type OnQuery = (seconds: number, succeeded: boolean) => void

/** Opens PostgreSQL at `url` and migrates it. Several instances may start at once. */
export async function openPostgres(url: string, onQuery?: OnQuery): Promise<OpenDb> {
  const connection = openSingle(url)
  try {
    await connect(connection)
    await connection`select pg_advisory_lock(${migrationLock})`
    const migrated = drizzlePostgres(connection)
    await refuseNewerDatabase(asDb(migrated))
    await migratePostgres(migrated, { migrationsFolder })
    await recordProgram(asDb(migrated))
  } finally {
    await connection.end({ timeout: 5 })
  }
  const pool = openPool(url, onQuery)
  const open = (deadlineMs?: number) => asDb(drizzlePostgres(pool.client(deadlineMs)))
  return { db: open(), bootDb: open(bootDeadlineMs), isShort: pool.isShort, close: pool.end, fault: () => undefined }
}

async function connect(connection: ReturnType<typeof openSingle>): Promise<void> {
  await connection`select 1`.catch((error: unknown) => {
    const { host, port, path } = connection.options
    const where = path || `${host[0]}:${port[0]}`
    throw new ConfigError(`DATABASE_URL: cannot connect to ${where}: ${messageOf(error)}`)
  })
}
