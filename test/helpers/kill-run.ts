// Kills a server again and again while machines boot, takes its database away in between, and compares the end.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { putTestDatabase } from './database.ts'
import { differencesOf, enterMachines, type KillModel, startMachines } from './kill-model.ts'
import type { Seeded } from './seeded.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'
import { startTcpRelay } from './tcp-relay.ts'

export type KillRun = { model: KillModel; differences: string[]; kills: number; outages: number }

const machineCount = 12

/** @param databaseUrl a new database of PostgreSQL, or undefined for the embedded one @param kills how often the server is killed */
export async function runKills(random: Seeded, kills: number, databaseUrl: string | undefined): Promise<KillRun> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-kills-'))
  const database = databaseUrl === undefined ? undefined : await openRelay(databaseUrl)
  const env: Record<string, string> =
    database === undefined ? { BOOTWRIGHT_DURABLE: 'no' } : { DATABASE_URL: database.url }
  if (database === undefined) putTestDatabase(folder)
  let server: ServerProcess | undefined
  let outages = 0
  try {
    server = await startServerProcess(folder, env)
    await enterMachines(server, machineCount)
    const machines = startMachines(() => server, random, machineCount)
    for (let kill = 0; kill < kills; kill++) {
      if (database?.isAway() !== true) await machines.arm()
      await wait(random.between(30, 700))
      // The database goes away before some kills, and returns after others, while the server runs or starts.
      if (database !== undefined && random.next() < 0.4) {
        if (!database.isAway()) outages += 1
        database.toggle()
        await wait(random.between(0, 400))
      }
      const killed = server
      server = undefined
      await killed?.kill()
      server = await startServerProcess(folder, env)
    }
    if (database?.isAway()) database.toggle()
    await wait(500)
    await machines.stop()
    const { model } = machines
    const rows = await rowsAtEnd(server, databaseUrl, model)
    return { model, differences: differencesOf(model, rows), kills, outages }
  } finally {
    await server?.kill()
    await database?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

type Rows = Parameters<typeof differencesOf>[1]

/** The rows after the journal was written: waits until all acknowledged boots and reports are there, at most a minute. */
async function rowsAtEnd(server: ServerProcess, url: string | undefined, model: KillModel): Promise<Rows> {
  const read = url === undefined ? () => readByApi(server, model) : () => readDirectly(url)
  for (let attempt = 0; ; attempt++) {
    const rows = await read().catch(() => undefined)
    if (rows !== undefined && (attempt >= 60 || differencesOf(model, rows).length === model.faults.length)) return rows
    if (attempt >= 90) throw new Error('the database does not answer')
    await wait(1000)
  }
}

async function readDirectly(url: string): Promise<Rows> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const boots = await sql<{ id: string }[]>`select id from boots`
    const events = await sql<Rows['events']>`select boot_id as boot, stage, message from boot_events`
    return { boots: boots.map(({ id }) => id), events: [...events] }
  } finally {
    await sql.end()
  }
}

/** The embedded database belongs to the server's process, so the API tells. */
async function readByApi({ ask }: ServerProcess, model: KillModel): Promise<Rows> {
  const rows: Rows = { boots: [], events: [] }
  for (const id of model.scripts.keys()) {
    const { status, body } = await ask('GET', `/boots/${id}`)
    if (status === 404) continue
    rows.boots.push(id)
    for (const { stage, message } of body.events) rows.events.push({ boot: id, stage, message: message ?? null })
  }
  return rows
}

/** A relay to PostgreSQL that can refuse all connections. */
async function openRelay(databaseUrl: string) {
  const url = new URL(databaseUrl)
  let away = false
  const relay = await startTcpRelay(Number(url.port), ({ bytes }) => (away ? 'cut' : bytes))
  url.port = String(relay.port)
  return {
    url: url.href,
    isAway: () => away,
    toggle: () => {
      away = !away
    },
    stop: () => relay.stop(),
  }
}
