import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect } from 'vitest'
import type { PostgresCluster } from '../../scripts/servers/postgres-cluster.ts'
import { createFresh } from './database.ts'
import { type DatabaseFault, databaseFaults, type FaultyDatabase } from './database-faults.ts'
import { startFaultyRelay } from './faulty-relay.ts'
import { armMachines, enterOutageSite, type Life, live, missingFrom } from './outage-machines.ts'
import type { Seeded } from './seeded.ts'
import { startServerProcess } from './server-process.ts'

/** A server whose PostgreSQL stands behind a relay. */
export type OutageSite = {
  /** Installs machines while a fault begins and ends, and expects that none notices it and that nothing is lost. */
  installDuring: (fault: DatabaseFault, options: { machines: number; faultMs: number }) => Promise<void>
  close: () => Promise<void>
}

/** Starts PostgreSQL, a relay and a server with an image that machines install. */
export async function openOutageSite(postgres: PostgresCluster, random: Seeded): Promise<OutageSite> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-outages-'))
  await postgres.start()
  const url = new URL(await createFresh(postgres.url))
  const relay = await startFaultyRelay(postgres.port)
  const database: FaultyDatabase = { postgres, relay, name: url.pathname.slice(1) }
  url.port = String(relay.port)
  const server = await startServerProcess(folder, { DATABASE_URL: String(url), BOOTWRIGHT_DATABASE_WAIT_MS: '300' })
  await enterOutageSite(server)
  let batch = 0

  const installDuring: OutageSite['installDuring'] = async (fault, { machines, faultMs }) => {
    batch += 1
    const macs = await armMachines(server, batch, machines)
    const lives: Promise<Life>[] = []
    const begin = async () => {
      for (const [n, mac] of macs.entries()) {
        lives.push(live(mac, `127.50.${batch}.${n + 1}`, server.bootUrl, random))
        await wait(random.between(0, 6000 / machines))
      }
    }
    await Promise.all([begin(), wait(1000).then(() => databaseFaults[fault](database, faultMs))])
    const ended = await Promise.all(lives)
    console.log(fault, {
      decidedAlone: sum(ended.map((life) => life.decidedAlone)),
      slowestScriptMs: Math.max(...ended.map((life) => life.slowest.script)),
      slowestReportMs: Math.max(...ended.map((life) => life.slowest.report)),
    })
    expect(ended.flatMap(({ mac, faults }) => faults.map((text) => `${mac}: ${text}`))).toEqual([])
    expect(sum(ended.map((life) => life.retries))).toBe(0)
    const missing = () => missingFrom(`${database.postgres.url}/${database.name}`, ended).catch(String)
    await expect.poll(missing, { timeout: 60_000, interval: 500 }).toEqual([])
    const readiness = async () => (await fetch(`${server.bootUrl}/readyz`)).json()
    await expect.poll(readiness, { timeout: 30_000 }).toMatchObject({ status: 'ready' })
    expect(server.output()).not.toMatch(/uncaught|TypeError/)
  }
  return {
    installDuring,
    close: async () => {
      await server.kill()
      await relay.stop()
      await database.postgres.remove()
      await rm(folder, { recursive: true })
    },
  }
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
