// Connections to PostgreSQL.

import postgres from 'postgres'
import { ConfigError } from '../../lib/errors.ts'
import { DatabaseTimeoutError, isRefusedConnection } from '../../lib/outage.ts'
import type { Away, OnQuery } from '../open.ts'
import { timed } from '../timed.ts'
import { createConnectionGate } from './connection-gate.ts'
import type { DatabaseWatch } from './database-watch.ts'

/** The connections of this process to PostgreSQL. */
export type PostgresPool = {
  /**
   * What drizzle works with. Each statement or transaction is given up after `deadlineMs`; undefined: by the limits of
   * the server.
   */
  client: (deadlineMs?: number) => postgres.Sql
  /** The server has too few connections for this process. */
  isShort: () => boolean
  /** Since when the database is unreachable; undefined while it answers. */
  away: () => Away | undefined
  end: () => Promise<void>
}

const maxConnections = 10
export const connectSeconds = 5
const waitMs = 10_000
const narrowMs = 30_000
/** Milliseconds beyond the limit of a statement after which the database server counts as unreachable. */
const graceMs = 10_000

/**
 * Limits of the server, milliseconds; the same names in DATABASE_URL replace them. Statements of ours are short.
 * Compiling (jit) is off: PostgreSQL takes the batched ones for long, and would compile them for 0.3 s each.
 */
const limits = {
  jit: 'off',
  statement_timeout: 30_000,
  lock_timeout: 20_000,
  idle_in_transaction_session_timeout: 30_000,
}

/**
 * Opens connections to PostgreSQL as they are needed.
 * @param watch makes the watch of the server. Its argument closes all connections, because none of them answers
 */
export function openPool(
  url: string,
  { onQuery, watch: startWatch }: { onQuery?: OnQuery | undefined; watch: (onAway: () => void) => DatabaseWatch },
): PostgresPool {
  const open = () => openConnections(url)
  let sql = open()
  requirePatched(sql)
  const watch = startWatch(() => {
    const silent = sql
    sql = open()
    // drizzle has set its own parsers and serializers of dates and JSON. Connections keep the objects, so these are filled.
    Object.assign(sql.options.parsers, silent.options.parsers)
    Object.assign(sql.options.serializers, silent.options.serializers)
    silent.end({ timeout: 0 }).catch(() => {})
  })
  const gate = createConnectionGate({ max: maxConnections, waitMs, narrowMs, isRefusal: isRefusedConnection })

  const client = (deadlineMs?: number) => {
    // The database may have become unreachable while the work waited for a connection.
    const enter = <T>(work: () => Promise<T>): Promise<T> =>
      gate.run(async () => {
        const refused = watch.refusal()
        if (refused !== undefined) throw refused
        return work()
      })
    const bounded = <T>(work: () => Promise<T>): Promise<T> => {
      if (deadlineMs === undefined) return enter(work)
      return withDeadline(deadlineMs, (isLate) => enter(() => (isLate() ? Promise.reject(late(deadlineMs)) : work())))
    }
    const run = <T>(work: () => Promise<T>): Promise<T> => timed(() => watch.run(() => bounded(work)), onQuery)
    const unsafe = (text: string, args?: Parameters<typeof sql.unsafe>[1]) =>
      // drizzle asks for unnamed statements: each is planned anew, and described in a round trip of its own.
      lazy(run, () => sql.unsafe(text, args, { prepare: true }))
    const begin = (work: Parameters<typeof sql.begin>[1]) => run(() => sql.begin(work) as Promise<unknown>)
    return { options: sql.options, unsafe, begin } as unknown as postgres.Sql
  }
  const end = async () => {
    watch.stop()
    // Nothing answers the connections of an unreachable database.
    await sql.end({ timeout: watch.away() === undefined ? 5 : 0 })
  }
  return { client, isShort: gate.isNarrow, away: watch.away, end }
}

function openConnections(url: string): postgres.Sql {
  const options = {
    max: maxConnections,
    connect_timeout: connectSeconds,
    onnotice: () => {},
    backoff,
    connection: limits,
  }
  // This only parses the URL; the connections are opened later.
  const { statement_timeout: statementMs } = postgres(url, options).options.connection as Record<string, unknown>
  const seconds = Number(statementMs) > 0 ? Math.ceil((Number(statementMs) + graceMs) / 1000) : 0
  return postgres(url, { ...options, ...{ silence_timeout: seconds } })
}

/** One connection without limits, for long work and for checks. */
export function openSingle(
  url: string,
  options: { silence_timeout?: number; connect_timeout?: number; fetch_types?: boolean } = {},
): postgres.Sql {
  const usual = { max: 1, connect_timeout: connectSeconds, onnotice: () => {}, connection: { jit: 'off' } }
  const sql = postgres(url, { ...usual, ...options })
  requirePatched(sql)
  return sql
}

// A driver without our patch ends the process at the first connection that is lost.
function requirePatched(sql: postgres.Sql): void {
  if (!('survivesLostConnections' in sql))
    throw new ConfigError(
      'the PostgreSQL driver lacks the patch of Bootwright. Next step: node scripts/setup.js dependencies',
    )
}

// Without this function the driver waits up to 20 s after a long outage.
function backoff(retries: number): number {
  return (0.5 + Math.random() / 2) * Math.min(0.05 * 2 ** retries, 1)
}

/** A query as drizzle uses it: run when its rows are asked for, as objects or as arrays of values. */
function lazy<Row>(
  run: <T>(work: () => Promise<T>) => Promise<T>,
  query: () => PromiseLike<Row> & { values: () => PromiseLike<unknown> },
) {
  return {
    values: () => run(async () => query().values()),
    // biome-ignore lint/suspicious/noThenProperty: drizzle awaits the query of the driver
    then: ((done, failed) => run(async () => query()).then(done, failed)) as Promise<Row>['then'],
  }
}

async function withDeadline<T>(deadlineMs: number, work: (isLate: () => boolean) => Promise<T>): Promise<T> {
  let isLate = false
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true
      reject(late(deadlineMs))
    }, deadlineMs)
  })
  return Promise.race([work(() => isLate), deadline]).finally(() => clearTimeout(timer))
}

function late(deadlineMs: number): DatabaseTimeoutError {
  return new DatabaseTimeoutError(`the database did not answer within ${deadlineMs / 1000} s`)
}
