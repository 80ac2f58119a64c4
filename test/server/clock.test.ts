import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { freePort } from '../../scripts/servers/free-port.ts'
import { getAsIpxe } from '../helpers/boot-server.ts'
import { createFresh, putTestDatabase } from '../helpers/database.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'

// The compiled program, in processes with wrong clocks.

const mac = '52:54:00:c1:0c:01'
const minuteMs = 60_000
const clock = new URL('../helpers/shifted-clock.js', import.meta.url).href
let folders: string[]
let servers: ServerProcess[]
beforeEach(() => {
  folders = []
  servers = []
})
afterEach(async () => {
  for (const server of servers) await server.kill()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

type Server = ServerProcess & { url: string }

async function start(folder: string, shiftMs: number, env: Record<string, string> = {}): Promise<Server> {
  const port = await freePort()
  const server = await startServerProcess(folder, {
    NODE_OPTIONS: `--import ${clock}`,
    CLOCK_SHIFT_MS: String(shiftMs),
    BOOTWRIGHT_BOOT_LISTEN: `127.0.0.1:${port}`,
    ...env,
  })
  servers.push(server)
  return { ...server, url: `http://127.0.0.1:${port}` }
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-clock-'))
  folders.push(folder)
  return folder
}

async function arm({ ask }: Server): Promise<string> {
  await ask('PUT', '/images/installer', { variants: [{ kind: 'local', arch: 'x86_64' }] })
  await ask('PUT', `/machines/${mac}`, { assignment: { local: true } })
  const { status, body } = await ask('POST', '/deployments', { machine: mac, image: 'installer' })
  expect([status, body.state]).toEqual([201, 'armed'])
  return body.id
}

const script = ({ url }: Server) => getAsIpxe(`${url}/ipxe?mac=${mac}&platform=efi&buildarch=x86_64`)

/** Boots the machine, sends these reports, and returns its script. */
async function boot(server: Server, ...reports: string[]): Promise<string> {
  const text = await script(server)
  const token = /\/b\/([\w-]{43})\/ready/.exec(text)?.[1]
  for (const report of reports) expect(await (await fetch(`${server.url}/b/${token}/${report}`)).text()).toBe('ok\n')
  return text
}

test('an installation continues and ends after a restart with the clock one hour back', async () => {
  const folder = await newFolder()
  putTestDatabase(folder)
  const before = await start(folder, 0)
  const id = await arm(before)
  expect(await boot(before, 'ready')).toContain('attempt 1 of 3')
  await before.kill()

  const after = await start(folder, -60 * minuteMs)
  expect(await boot(after, 'ready', 'installing', 'installed')).toContain('attempt 2 of 3')
  expect((await after.ask('GET', `/deployments/${id}`)).body).toMatchObject({ state: 'installed', attempts: 2 })
  expect(await script(after)).toContain('boots from its local disk')

  // A new deployment is the newest, although its id is older.
  const next = await arm(after)
  expect(next < id).toBe(true)
  expect(await boot(after, 'ready')).toContain(`deployment ${next}: installs installer, attempt 1 of 3`)
  expect((await after.ask('POST', `/deployments/${next}/cancel`)).body.state).toBe('cancelled')
  const again = await arm(after)
  expect(await script(after)).toContain(`deployment ${again}: installs installer, attempt 1 of 3`)
  const listed = await after.ask('GET', `/deployments?machine=${mac}`)
  expect(listed.body.items.map((item: { id: string }) => item.id)).toEqual([again, next, id])
}, 120_000)

test('a machine finishes its installation on two servers whose clocks differ by two minutes', async () => {
  const databaseUrl = inject('postgresUrl')
  if (databaseUrl === undefined) return
  const env = {
    DATABASE_URL: await createFresh(databaseUrl),
    BOOTWRIGHT_SECRET_KEY: '42'.repeat(32),
  }
  const ahead = await start(await newFolder(), 2 * minuteMs, env)
  const behind = await start(await newFolder(), 0, env)
  const id = await arm(ahead)
  expect(await boot(ahead, 'ready')).toContain('attempt 1 of 3')
  expect(await boot(behind, 'ready', 'installing')).toContain('attempt 2 of 3')
  const { body } = await behind.ask('GET', `/deployments/${id}`)
  expect(body).toMatchObject({ state: 'installing', attempts: 2 })
  expect(await boot(behind, 'ready', 'installing', 'installed')).toContain('attempt 3 of 3')
  expect((await ahead.ask('GET', `/deployments/${id}`)).body).toMatchObject({ state: 'installed', attempts: 3 })
  expect(await script(ahead)).toContain('boots from its local disk')
  const boots = await ahead.ask('GET', `/boots?machine=${mac}`)
  expect(boots.body.items.map((item: { outcome?: string }) => item.outcome === 'installed')).toEqual([
    false,
    true,
    false,
    false,
  ])
}, 120_000)
