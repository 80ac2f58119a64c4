import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import type { Db } from '../../src/db/open.ts'
import { openPostgres } from '../../src/db/postgres/open-postgres.ts'
import { openRoster, type Roster } from '../../src/inventory/roster/roster.ts'
import { makePostgres } from '../servers/postgres-cluster.ts'
import { macOf } from './inventory.ts'

const log = pino({ level: 'silent' })

/** Measures the roster: memory and time to load, look-ups from memory, and look-ups of machines that are not in memory. */
export async function benchRoster(): Promise<void> {
  const cluster = await makePostgres({ full_page_writes: 'off', synchronous_commit: 'off' })
  if (cluster === undefined) throw new Error('PostgreSQL is missing: apt-get install postgresql')
  try {
    await cluster.start()
    const { db, bootDb = db, close } = await openPostgres(`${cluster.url}/postgres`)
    console.log('\nRoster, PostgreSQL on the same cores')
    await addMachines(db, 1, 100_000)
    const empty = residentMb()
    const started = performance.now()
    const roster = await loadedRoster(bootDb)
    console.log(
      `  100,000 machines: loaded in ${seconds(started)} s, ${residentMb() - empty} MB more`,
      await lookUps(roster, 100_000),
    )
    await roster.close()
    await addMachines(db, 100_001, 1_000_000)
    const bounded = await loadedRoster(bootDb)
    console.log('  1,000,000 machines, 250,000 in memory: not in memory', await lookUps(bounded, 1_000_000))
    await bounded.close()
    await close()
  } finally {
    await cluster.remove()
  }
}

async function loadedRoster(db: Db): Promise<Roster> {
  const roster = openRoster({ db, log, waitMs: 10_000 })
  await roster.findSituation({ mac: macOf(1) })
  while (!roster.size().isReady) await new Promise((resolve) => setTimeout(resolve, 5))
  return roster
}

async function addMachines(db: Db, first: number, last: number): Promise<void> {
  for (let from = first; from <= last; from += 10_000) {
    await db.execute(sql`
      with made as (
        insert into machines (id, discovered, uuid, hostname, serial, product, labels, assignment, facts, last_seen_at)
        select gen_random_uuid(), false, null, 'host-' || n, 'S' || n, 'X1', jsonb_build_object('rack', 'r' || n % 190), '{"image": "debian-12"}',
          jsonb_build_object('mac', 'x', 'uuid', gen_random_uuid()::text, 'serial', 'S' || n, 'product', 'X1', 'manufacturer', 'Dell Inc.',
            'platform', 'efi', 'buildarch', 'x86_64', 'cpuarch', 'x86_64', 'version', '1.21.1', 'ip', '10.0.0.1', 'hostname', 'host-' || n), now()
        from generate_series(${from}::int, ${from + 9999}::int) as n returning id, substr(hostname, 6)::int as n)
      insert into machine_macs (mac, machine_id)
        select regexp_replace('525400' || lpad(to_hex(n), 6, '0'), '(..)(?=.)', '\\1:', 'g'), id from made`)
  }
  await db.execute(sql`analyze`)
}

/** The milliseconds of look-ups, one after another, for random machines. */
async function lookUps(roster: Roster, machines: number): Promise<string> {
  const times: number[] = []
  for (let n = 0; n < 2000; n++) {
    const from = performance.now()
    const { identity } = await roster.findSituation({ mac: macOf(1 + Math.floor(Math.random() * machines)) })
    if (!('machine' in identity)) throw new Error('a machine was not found')
    times.push(performance.now() - from)
  }
  times.sort((a, b) => a - b)
  return `look-up p50 ${times[1000]?.toFixed(2)} ms, p99 ${times[1980]?.toFixed(2)} ms`
}

/** Resident memory after a full collection, if Node.js was started with --expose-gc. */
function residentMb(): number {
  globalThis.gc?.()
  return Math.round(process.memoryUsage().rss / 2 ** 20)
}

function seconds(from: number): string {
  return ((performance.now() - from) / 1000).toFixed(1)
}
