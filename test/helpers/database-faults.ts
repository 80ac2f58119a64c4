import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import driver from 'postgres'
import { copyPostgres, type PostgresCluster } from '../../scripts/servers/postgres-cluster.ts'
import type { FaultyRelay } from './faulty-relay.ts'

// Faults of a PostgreSQL server that stands behind a relay.

export type FaultyDatabase = { postgres: PostgresCluster; relay: FaultyRelay; name: string }

/** Each begins a fault, waits, and ends it. `failed over` replaces `postgres`. */
export const databaseFaults = {
  stopped: async ({ postgres }, ms) => {
    await postgres.stop('SIGINT')
    await wait(ms)
    await postgres.start()
  },
  'restarted at once, without a shutdown': async ({ postgres }) => {
    await postgres.stop('SIGQUIT')
    await postgres.start()
  },
  paused: async ({ postgres }, ms) => {
    const pids = processesOf(postgres)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    try {
      await wait(ms)
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
  },
  'behind a cable that is pulled': async ({ relay }, ms) => {
    relay.block(true)
    await wait(ms)
    relay.block(false)
  },
  slow: async ({ relay }, ms) => {
    relay.delay(250)
    await wait(ms)
    relay.delay(0)
  },
  'very slow': async ({ relay }, ms) => {
    relay.delay(1500)
    await wait(ms)
    relay.delay(0)
  },
  'out of connections': async ({ postgres, name }, ms) => {
    const sql = driver(`${postgres.url}/postgres`, { max: 100, idle_timeout: 60, connect_timeout: 5 })
    const admin = await sql.reserve()
    const held: { release: () => void }[] = []
    const until = Date.now() + ms
    while (Date.now() < until) {
      await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`
      // Takes the places that have just become free.
      for (;;) {
        const connection = await sql.reserve().catch(() => undefined)
        if (connection === undefined) break
        held.push(connection)
      }
      await wait(200)
    }
    for (const connection of held) connection.release()
    admin.release()
    await sql.end({ timeout: 1 })
  },
  'cut off again and again': async ({ relay }, ms) => {
    for (const until = Date.now() + ms; Date.now() < until; ) {
      relay.cut()
      await wait(300)
    }
  },
  'failed over to a standby': async (database, ms) => {
    const { postgres, relay } = database
    const standby = await copyPostgres(postgres)
    await standby.start()
    const sql = driver(`${postgres.url}/postgres`, { max: 1 })
    // Without this setting, the standby may lack what was acknowledged last.
    await sql`alter system set synchronous_standby_names = '*'`
    await sql`select pg_reload_conf()`
    const isSynchronous = async () =>
      (await sql`select 1 from pg_stat_replication where sync_state = 'sync' and state = 'streaming'`).length > 0
    while (!(await isSynchronous())) await wait(50)
    await sql.end()
    await wait(ms / 2)
    await postgres.stop('SIGQUIT')
    await wait(ms / 2)
    const promoted = driver(`${standby.url}/postgres`, { max: 1 })
    await promoted`select pg_promote()`
    await promoted.end()
    relay.redirect(standby.port)
    await postgres.remove()
    database.postgres = standby
  },
} satisfies Record<string, (database: FaultyDatabase, ms: number) => Promise<void>>

export type DatabaseFault = keyof typeof databaseFaults

/** The main process of the server and its children. */
function processesOf(postgres: PostgresCluster): number[] {
  const main = postgres.pid() as number
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => parentOf(pid) === main)
  return [main, ...children.map(Number)]
}

function parentOf(pid: string): number | undefined {
  try {
    // The name of a process may contain spaces and parentheses.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1])
  } catch {
    return undefined
  }
}
