// The database type for all drivers. postgres/open-postgres.ts and open-embedded.ts open databases.

import { join } from 'node:path'
import type { PgDatabase, PgQueryResultHKT, PgTransactionConfig } from 'drizzle-orm/pg-core'
import type { PgliteDatabase } from 'drizzle-orm/pglite'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { programDir } from '../lib/program-dir.ts'
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

/** Since when the database is unreachable, and the reason in words. */
export type Away = { since: Date; reason: string }

export type OpenDb = {
  db: Db
  /** The same database for machines that boot: it answers within seconds, or throws. Absent if `db` does so already. */
  bootDb?: Db
  /** The database server has too few connections for this process. */
  isShort?: () => boolean
  /** Since when the database is unreachable or not prepared yet; undefined while it answers. */
  away?: () => Away | undefined
  close: () => Promise<void>
  /** Why nothing can be changed now, in words; undefined while no fault is found. */
  fault: () => string | undefined
  /**
   * A number that grows with every statement or transaction that may have changed the database, before its result
   * arrives. Absent if others may change the database too.
   */
  writes?: () => number
}

/** The migrations, in the order of their names, for whichever driver. */
export const migrationsFolder = join(programDir, 'migrations')

/** Hears how long each statement or transaction took, from the call to its result. */
export type OnQuery = (seconds: number, succeeded: boolean) => void
