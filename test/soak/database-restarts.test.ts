import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import driver from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makePostgres, type PostgresCluster } from '../../scripts/servers/postgres-cluster.ts'
import { openAnswer } from '../../src/bytes/fetch/http-request.ts'
import { createFresh } from '../helpers/database.ts'
import { roundsOf, seeded } from '../helpers/seeded.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'

let folder: string
let postgres: PostgresCluster
let server: ServerProcess
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-soak-database-'))
  const cluster = await makePostgres()
  if (cluster === undefined) throw new Error('PostgreSQL is not installed (Debian: apt-get install postgresql)')
  postgres = cluster
  await postgres.start()
  server = await startServerProcess(folder, { DATABASE_URL: await createFresh(postgres.url) })
})
afterAll(async () => {
  await server?.kill()
  await postgres?.remove()
  await rm(folder, { recursive: true })
})

test('the server survives restarts of its database under load, and keeps all acknowledged changes', async () => {
  const { pick, between } = seeded('database restarts')
  let ended = false
  const acknowledged = new Map<string, string>()
  const counts = { puts: 0, scripts: 0, reports: 0, refused: 0 }
  const macOf = (loop: number, n: number) => `52:54:00:${hex(loop)}:00:${hex(n % 200)}`
  const put = async (loop: number) => {
    for (let n = 0; !ended; n++) {
      const [mac, hostname] = [macOf(loop, n), `host-${loop}-${n}`]
      const answer = await server.ask('PUT', `/machines/${mac}`, { hostname }).catch(() => undefined)
      if (answer !== undefined && answer.status < 300) {
        acknowledged.set(mac, hostname)
        counts.puts += 1
      } else {
        // The change may have been written.
        acknowledged.delete(mac)
        counts.refused += 1
      }
    }
  }
  const boot = async (loop: number) => {
    for (let n = 0; !ended; n++) {
      const { text: script } = await get(`/ipxe?mac=${macOf(loop, n)}&arch=x86_64&platform=pcbios`)
      expect(script).toMatch(/^#!ipxe/)
      counts.scripts += 1
      const token = /\/b\/([\w-]{43})\//.exec(script)?.[1]
      if (token === undefined) continue
      const answer = await get(`/b/${token}/ready`)
      expect([200, 404, 503]).toContain(answer.status)
      if (answer.status === 200) counts.reports += 1
    }
  }
  const loops = [1, 2, 3, 4].flatMap((loop) => [put(loop), boot(loop)])
  for (let round = 0; round < roundsOf(20); round++) {
    await wait(between(100, 1500))
    const how = pick(['fast', 'immediate', 'terminate'] as const)
    if (how === 'terminate') {
      const sql = driver(`${postgres.url}/postgres`, { max: 1 })
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`
      await sql.end()
    } else {
      await postgres.stop(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
      await wait(between(0, 1000))
      await postgres.start()
    }
  }
  ended = true
  await Promise.all(loops)
  console.log(counts)
  const healthy = () => get('/healthz').then(({ text }) => JSON.parse(text).database)
  await expect.poll(healthy, { timeout: 30_000 }).toBe('ok')
  for (const [mac, hostname] of acknowledged)
    expect([mac, (await server.ask('GET', `/machines/${mac}`)).body.hostname]).toEqual([mac, hostname])
  expect(server.output()).not.toMatch(/uncaught|TypeError/)
  expect(await server.stop()).toBe(0)
})

/** Sends a request to the boot listener over a new connection, as iPXE does. A kept connection may be closed during its reuse. */
async function get(path: string): Promise<{ status: number; text: string }> {
  const headers = { 'user-agent': 'iPXE/1.21.1' }
  const answer = await openAnswer(new URL(path, server.bootUrl), { headers, signal: AbortSignal.timeout(60_000) })
  return { status: answer.statusCode ?? 0, text: await text(answer) }
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0')
}
