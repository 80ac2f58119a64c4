// One measurement of the embedded database in a process of its own; embedded.ts forks it.

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { sql } from 'drizzle-orm'
import type { openEmbedded } from '../../src/db/open-embedded.ts'

export type EmbeddedFigures = {
  startMs: number
  readP50Ms: number
  readP99Ms: number
  rowsPerSecond: number
  transactionsPerSecond: number
  /** The delay of the event loop while 1,000 boots are inserted. */
  delayP99Ms: number
  delayMaxMs: number
  restMb: number
  loadedMb: number
}

const [program = '', folder = ''] = process.argv.slice(2)
const { openEmbedded: open } = (await import(join(program, 'db/open-embedded.js'))) as {
  openEmbedded: typeof openEmbedded
}

// The first start creates the database, in a process that ends: the caller starts this program twice.
const startedAt = performance.now()
const { db, close } = await open(folder)
const startMs = performance.now() - startedAt
await db.execute(sql`create table if not exists bench_boots (id uuid primary key, mac text not null, decision jsonb not null,
  script text not null, started_at timestamptz not null default now())`)
await db.execute(sql`create index if not exists bench_boots_mac on bench_boots (mac, started_at)`)
const restMb = anonymousMb()

const reads: number[] = []
for (let count = 0; count < 2500; count++) {
  const at = performance.now()
  await db.execute(sql`select id, hostname from machines where id = ${randomUUID()}`)
  if (count >= 500) reads.push(performance.now() - at)
}

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
await insert(1000, 50)
delay.disable()

const rows = 10_000
const insertedAt = performance.now()
await insert(rows, 250)
const rowsPerSecond = rows / ((performance.now() - insertedAt) / 1000)

const transactions = 300
const begunAt = performance.now()
for (let count = 0; count < transactions; count++)
  await db.transaction(async (tx) => {
    for (const row of bootRows(3)) await tx.execute(insertion([row]))
  })
const transactionsPerSecond = transactions / ((performance.now() - begunAt) / 1000)

const figures: EmbeddedFigures = {
  ...{ startMs, rowsPerSecond, transactionsPerSecond, restMb },
  readP50Ms: quantile(reads, 0.5),
  readP99Ms: quantile(reads, 0.99),
  delayP99Ms: delay.percentile(99) / 1e6,
  delayMaxMs: delay.max / 1e6,
  loadedMb: anonymousMb(),
}
await close()
process.send?.(figures, () => process.exit())

/** Inserts rows in statements of `size` rows, four at a time. */
async function insert(count: number, size: number): Promise<void> {
  let left = count / size
  const client = async () => {
    while (left-- > 0) await db.execute(insertion(bootRows(size)))
  }
  await Promise.all([client(), client(), client(), client()])
}

function insertion(list: unknown[]) {
  return sql`insert into bench_boots (id, mac, decision, script)
    select id, mac, decision, script from jsonb_to_recordset(${JSON.stringify(list)}::jsonb)
      as new(id uuid, mac text, decision jsonb, script text)`
}

function bootRows(count: number): unknown[] {
  return Array.from({ length: count }, () => ({
    id: randomUUID(),
    mac: '52:54:00:12:34:56',
    decision: { identity: { by: 'mac' }, candidates: Array(10).fill({ group: 'rack-7', reason: 'a label differs' }) },
    script: '#!ipxe\n'.repeat(100),
  }))
}

/** Private memory of this process now (RssAnon of proc(5)), in MB. */
function anonymousMb(): number {
  return Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024
}

function quantile(values: number[], share: number): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN
}
