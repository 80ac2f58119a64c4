// Opens PostgreSQL, also while it is unreachable. Called by server/data/data.ts.
import { drizzle } from 'drizzle-orm/postgres-js'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { isOutage } from '../../lib/outage.ts'
import { inTime } from '../../lib/time/in-time.ts'
import { type Away, asDb, type Db, type OnQuery, type OpenDb } from '../open.ts'
import { createDatabaseWatch } from './database-watch.ts'
import { openPool } from './postgres-pool.ts'
import { checkPostgres, preparePostgres } from './prepare-postgres.ts'

/** How long a machine that boots may wait for one answer of the database, milliseconds. */
const bootDeadlineMs = 5000

/** How long a start waits for a database that may be unreachable, milliseconds. */
const maxStartMs = 6000

export type PostgresOptions = {
  onQuery?: OnQuery | undefined
  log?: Logger | undefined
  /** Work in the migrated database that comes before all other work. After a failure, it runs again. */
  prepare?: (db: Db) => Promise<void>
  /** True: if the database is unreachable, it is opened nevertheless, and prepared as soon as it answers. */
  mayBeAway?: boolean
}

/**
 * Opens PostgreSQL at `url` and migrates it. Several instances may start at once.
 * @throws ConfigError if the database cannot be reached and `mayBeAway` is not set, or if it can never be used
 */
export async function openPostgres(
  url: string,
  { onQuery, log, prepare = async () => {}, mayBeAway = false }: PostgresOptions = {},
): Promise<OpenDb> {
  let isPrepared = false
  let preparing: Promise<void> | undefined
  const prepareOnce = () => {
    preparing ??= preparePostgres(url, prepare)
      .then(() => {
        isPrepared = true
      })
      .finally(() => {
        preparing = undefined
      })
    return preparing
  }
  const away = await startUnprepared(prepareOnce(), mayBeAway)
  const pool = openPool(url, {
    onQuery,
    watch: (onAway) =>
      createDatabaseWatch({ check: () => (isPrepared ? checkPostgres(url) : prepareOnce()), onAway, away, log }),
  })
  const open = (deadlineMs?: number) => asDb(drizzle(pool.client(deadlineMs)))
  return {
    db: open(),
    bootDb: open(bootDeadlineMs),
    isShort: pool.isShort,
    away: pool.away,
    close: pool.end,
    fault: () => undefined,
  }
}

/** Waits for the first preparation. If the database may be unreachable, returns why it is. */
async function startUnprepared(prepared: Promise<void>, mayBeAway: boolean): Promise<Away | undefined> {
  if (!mayBeAway) {
    await prepared
    return undefined
  }
  const since = new Date()
  // Another instance may be migrating the database for minutes.
  const reason = await inTime(
    prepared.then(
      () => '',
      (error: unknown) => {
        if (isOutage(error)) return messageOf(error)
        throw error
      },
    ),
    maxStartMs,
  )
  return reason === '' ? undefined : { since, reason: reason ?? `it was not ready within ${maxStartMs / 1000} s` }
}
