import { execFile, execFileSync } from 'node:child_process'
import { appendFileSync, rmSync, statfsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openEmbedded } from '../../src/db/open-embedded.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { DiskFullError } from '../../src/lib/errors.ts'
import { programDir, readVersion } from '../../src/lib/program-dir.ts'
import { putTestDatabase } from '../helpers/database.ts'
import { canMount } from '../helpers/power-disk.ts'
import { startServerProcess } from '../helpers/server-process.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

let disk: string
beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), 'bootwright-small-'))
  if (canMount) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m', 'tmpfs', disk])
  putTestDatabase(disk)
})
afterEach(async () => {
  if (canMount) execFileSync('umount', [disk])
  await rm(disk, { recursive: true })
})

const leave = (freeBytes: number) => {
  const { bavail, bsize } = statfsSync(disk)
  // A test may call this twice, because PostgreSQL frees space of its log at a checkpoint.
  appendFileSync(join(disk, 'other'), Buffer.alloc(Math.max(0, bavail * bsize - freeBytes), 1))
}
const giveBack = () => rmSync(join(disk, 'other'))

test.runIf(canMount)(
  'a nearly full disk stops changes, but not reads, before it stops PostgreSQL, and only until space is freed',
  async () => {
    const { db, close, fault } = await openEmbedded(join(disk, 'database'))
    const note = (text: string) => db.execute(sql`insert into notes values (${text})`)
    const notes = async () =>
      rowsOf<{ text: string }>(await db.execute(sql`select text from notes`)).map((row) => row.text)
    await db.execute(sql`create table notes (text text)`)
    await note('before')
    expect(fault()).toBeUndefined()

    leave(9_000_000)
    await vi.waitUntil(() => fault() !== undefined)
    const reason =
      /^the disk of the database is full: expected at least 33554432 free bytes, got 8\d{6}\. Next step: free space/
    expect(fault()).toMatch(reason)
    for (let count = 0; count < 50; count++) {
      const { cause } = (await note('while it is full').catch((error: unknown) => error)) as Error
      expect(cause).toBeInstanceOf(DiskFullError)
      expect((cause as Error).message).toMatch(reason)
    }
    await expect(
      db.transaction((tx) => tx.execute(sql`insert into notes values ('in a transaction')`)),
    ).rejects.toThrow()
    expect(await notes()).toEqual(['before'])

    giveBack()
    await vi.waitUntil(() => fault() === undefined)
    await note('after')
    expect(await notes()).toEqual(['before', 'after'])
    await close()
  },
)

test.runIf(canMount)('PostgreSQL that ends on a full disk restarts later, with all acknowledged changes', async () => {
  const { db, close, fault } = await openEmbedded(join(disk, 'database'))
  await db.execute(sql`create table notes (text text)`)
  await db.execute(sql`insert into notes values ('acknowledged')`)
  leave(40_000_000)
  // If a table cannot grow, PostgreSQL reports an error and continues.
  const { cause: tooBig } = (await db
    .execute(sql`insert into notes select repeat('x', 1000) from generate_series(1, 100000)`)
    .catch((error: unknown) => error)) as Error
  expect(tooBig).toBeInstanceOf(DiskFullError)
  expect((tooBig as Error).message).toContain('No space left on device')
  expect(fault()).toBeDefined()
  giveBack()
  await vi.waitUntil(() => fault() === undefined)

  leave(36_000_000)
  // One statement writes more log than the disk can hold. Nothing can stop the statement.
  const flood = db.execute(sql`select pg_logical_emit_message(true, 'flood', repeat('x', 60000000))`)
  const waiting = db.execute(sql`select count(*) from notes`)
  for (const asked of [flood, waiting]) {
    const { cause } = (await asked.catch((error: unknown) => error)) as Error
    expect(String(cause)).toContain('the embedded database stopped: ')
    expect(String(cause)).toContain('No space left on device')
  }
  expect(fault()).toContain('the embedded database')
  giveBack()
  await vi.waitUntil(() => fault() === undefined, { timeout: 120_000, interval: 100 })
  expect(rowsOf(await db.execute(sql`select text from notes`))).toEqual([{ text: 'acknowledged' }])
  await db.execute(sql`insert into notes values ('after')`)
  await close()
})

test.runIf(canMount)(
  'a server on a full disk continues to answer, reports the fault, stops on request, and needs no restart',
  async () => {
    let server = await startServerProcess(disk)
    const get = async (path: string) => {
      const response = await fetch(server.bootUrl + path, { headers: { 'User-Agent': 'iPXE/1.21.1' } })
      return [response.status, await response.text()] as const
    }
    const health = (status: string, database: string) => JSON.stringify({ status, database, version: readVersion() })
    const put = () =>
      server.ask('PUT', '/machines/52:54:00:12:34:56', { hostname: `h${Math.random()}`.slice(0, 9).replace('.', '') })
    try {
      expect((await put()).status).toBe(201)
      expect(await get('/healthz')).toEqual([200, health('ok', 'ok')])
      await vi.waitUntil(
        async () => {
          leave(6_000_000)
          return (await put()).status === 507 && (await get('/readyz'))[1].includes('read-only')
        },
        { timeout: 30_000, interval: 500 },
      )
      expect((await put()).body.detail).toMatch(
        /^the disk of the database is full: .* Next step: free space on the disk of/,
      )
      expect(await get('/healthz')).toEqual([200, health('degraded', 'read-only')])
      expect(await get('/livez')).toEqual([200, 'ok\n'])
      expect((await get('/boot.ipxe'))[0]).toBe(200)
      const [status, script] = await get('/ipxe?mac=52-54-00-12-34-56')
      // The server decides from memory, and its journal holds the boot.
      expect([status, script]).toEqual([200, expect.stringContaining('boots from its local disk')])
      giveBack()
      await vi.waitUntil(async () => (await put()).status === 200, { timeout: 10_000 })
      expect(await get('/healthz')).toEqual([200, health('ok', 'ok')])
      leave(6_000_000)
      expect(await server.stop()).toBe(0)
      // A restart needs no free space either, and the server serves its files.
      server = await startServerProcess(disk)
      await vi.waitUntil(
        async () => {
          leave(6_000_000)
          return (await get('/readyz'))[1].includes('read-only')
        },
        { timeout: 30_000, interval: 500 },
      )
      expect(await get('/healthz')).toEqual([200, health('degraded', 'read-only')])
      expect((await get('/boot.ipxe'))[0]).toBe(200)
    } finally {
      await server.kill()
    }
  },
)

// A process that may open 128 files. It uses all free descriptors while it makes tables.
const outOfDescriptors = `
  import fs from 'node:fs'
  const { openEmbedded } = await import(process.argv[1])
  const { db, close } = await openEmbedded(process.argv[2])
  const held = []
  const make = async (name) => {
    await db.execute('create table ' + name + ' (text text primary key)')
    await db.execute("insert into " + name + " select 'text ' || n from generate_series(1, 2000) as n")
    await db.execute('vacuum ' + name)
    return name
  }
  const tell = (error) => String(error.cause ?? error)
  const results = [await make('before')]
  try { for (;;) held.push(fs.openSync('/dev/null')) } catch {}
  for (let n = 0; n < 5; n++) results.push(await make('while' + n).catch(tell))
  for (const file of held) fs.closeSync(file)
  for (let n = 0; n < 5; n++) results.push(await make('after' + n).catch(tell))
  await close()
  console.log(JSON.stringify(results))`

test.runIf(process.platform === 'linux')(
  'tables that could not be made without free descriptors can be made when some are free',
  async () => {
    const open = join(programDir, 'dist/db/open-embedded.js')
    const script = ['--input-type=module', '-e', outOfDescriptors, open, join(disk, 'database')]
    const { stdout } = await promisify(execFile)('prlimit', ['--nofile=128', process.execPath, ...script])
    const results = JSON.parse(stdout) as string[]
    expect(results.filter((text) => /File exists/.test(text))).toEqual([])
    expect(results.slice(6)).toEqual(['after0', 'after1', 'after2', 'after3', 'after4'])
  },
)
