import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { expect } from 'vitest'
import { openEmbedded } from '../../src/db/open-embedded.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { openPowerDisk } from './power-disk.ts'
import type { Seeded } from './seeded.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

/** The changes that the server has acknowledged. */
type Acknowledged = {
  /** The number in the host name of each machine. */
  machines: Map<string, number>
  /** The state of each deployment, by its id. */
  deployments: Map<string, string>
  files: Set<string>
}

const states = ['armed', 'started', 'installing', 'installed']

/**
 * Cuts the power of a server under load several times, and checks after each cut that no acknowledged change is lost.
 * @throws the first expectation that fails
 */
export async function cutPower(chance: Seeded, cuts: number, env: Record<string, string> = {}): Promise<void> {
  const disk = await openPowerDisk(400)
  const dataDir = join(disk.folder, 'data')
  const done: Acknowledged = { machines: new Map(), deployments: new Map(), files: new Set() }
  let server: ServerProcess | undefined
  try {
    server = await startServerProcess(dataDir, env)
    await server.ask('PUT', '/images/disk', { variants: [{ kind: 'local', arch: 'x86_64' }] })
    const load = startLoad(server, done)
    for (let count = 0; count < cuts; count++) {
      await wait(chance.between(50, 1500))
      const before = copyOf(done)
      const { folder, remove } = await disk.cut([server.pid])
      try {
        await checkAll(join(folder, 'data'), before)
      } catch (error) {
        throw new Error(`after cut ${count + 1}: ${error}`, { cause: error })
      } finally {
        await remove()
      }
      if (load.fault() !== undefined) throw load.fault()
    }
    await load.stop()
    expect(done.machines.size).toBeGreaterThan(0)
    expect([...done.deployments.values()]).toContain('installed')
    expect(done.files.size).toBeGreaterThan(0)
  } finally {
    await server?.kill()
    await disk.remove()
  }
}

function copyOf({ machines, deployments, files }: Acknowledged): Acknowledged {
  return { machines: new Map(machines), deployments: new Map(deployments), files: new Set(files) }
}

async function checkAll(dataDir: string, { machines, deployments, files }: Acknowledged): Promise<void> {
  const { db, close } = await openEmbedded(join(dataDir, 'database'))
  try {
    const hosts = rowsOf<{ mac: string; hostname: string }>(
      await db.execute(sql`select mac, hostname from machine_macs join machines on machines.id = machine_id`),
    )
    const stored = new Map(hosts.map(({ mac, hostname }) => [mac, Number(hostname?.slice(1))]))
    const lost = [...machines].filter(([mac, number]) => !((stored.get(mac) ?? -1) >= number))
    expect(lost, 'machines').toEqual([])
    const rows = rowsOf<{ id: string; state: string }>(await db.execute(sql`select id, state from deployments`))
    const now = new Map(rows.map(({ id, state }) => [id, state]))
    const behind = [...deployments].filter(([id, state]) => states.indexOf(now.get(id) ?? '') < states.indexOf(state))
    expect(behind, 'deployments').toEqual([])
    const rowsOfFiles = rowsOf<{ sha256: string }>(await db.execute(sql`select sha256 from files`))
    const recorded = rowsOfFiles.map((row) => row.sha256)
    for (const hash of files) {
      expect(recorded).toContain(hash)
      expect(sha256(await readFile(join(dataDir, 'files', hash.slice(0, 2), hash)))).toBe(hash)
    }
    await db.execute(sql`select count(*) from boots, boot_events, changes where false`)
  } finally {
    await close()
  }
}

// The load: changes by the API, reports of machines, and uploads.
function startLoad(server: ServerProcess, done: Acknowledged): { fault: () => unknown; stop: () => Promise<void> } {
  let stopped = false
  let fault: unknown
  const loop = async (work: () => Promise<void>) => {
    while (!stopped)
      await work().catch((error: unknown) => {
        fault ??= error
        stopped = true
      })
  }
  let number = 0
  const change = (worker: number) => async () => {
    const mac = `52:54:00:00:0${worker}:${String(number % 90).padStart(2, '0')}`
    const mine = ++number
    const { status } = await server.ask('PUT', `/machines/${mac}`, { hostname: `h${mine}` })
    if (status > 201) throw new Error(`PUT: ${status}`)
    done.machines.set(mac, mine)
  }
  let installs = 0
  const install = async () => {
    const mac = `52:54:00:00:99:${String(installs++ % 90).padStart(2, '0')}`
    await server.ask('PUT', `/machines/${mac}`, {})
    const { body } = await server.ask('POST', '/deployments', { machine: mac, image: 'disk', replace: true })
    done.deployments.set(body.id, 'armed')
    const script = await get(`${server.bootUrl}/ipxe?mac=${mac}&platform=efi&buildarch=x86_64`)
    const token = /\/b\/([\w-]{43})\//.exec(script)?.[1]
    if (token === undefined) throw new Error(`no token in ${script}`)
    for (const [report, state] of [
      ['ready', 'started'],
      ['installing', 'installing'],
      ['installed', 'installed'],
    ] as const) {
      await get(`${server.bootUrl}/b/${token}/${report}`)
      done.deployments.set(body.id, state)
    }
  }
  const upload = async () => {
    const bytes = randomBytes(200_000)
    const hash = sha256(bytes)
    const status = await put(server, `/files/${hash}?name=disk.img`, bytes)
    if (status !== 201) throw new Error(`upload: ${status}`)
    done.files.add(hash)
    await wait(100)
  }
  const loops = [loop(change(1)), loop(change(2)), loop(change(3)), loop(install), loop(upload)]
  return {
    fault: () => fault,
    stop: async () => {
      stopped = true
      await Promise.all(loops)
      if (fault !== undefined) throw fault
    },
  }
}

async function get(url: string): Promise<string> {
  const response = await fetch(url, { headers: { 'User-Agent': 'iPXE/1.21.1' } })
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.text()
}

function put(server: ServerProcess, path: string, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({
      ...{ socketPath: server.socketPath, method: 'PUT', path: `/api/v1${path}`, agent: false },
      headers: { 'content-length': bytes.length },
    })
    sent.on('error', reject)
    sent.on('response', (response) => text(response).then(() => resolve(response.statusCode ?? 0), reject))
    sent.end(bytes)
  })
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
