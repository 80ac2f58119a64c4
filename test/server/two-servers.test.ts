import { createHash, randomBytes } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { put } from '../../scripts/bench/admin.ts'
import { refuseNewerDatabase } from '../../src/db/newer.ts'
import type { OpenDb } from '../../src/db/open.ts'
import { openPostgres } from '../../src/db/postgres/open-postgres.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { getAsIpxe } from '../helpers/boot-server.ts'
import { createFresh, eachDatabase } from '../helpers/database.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'

vi.setConfig({ testTimeout: 180_000 })

const postgresUrl = inject('postgresUrl')

describe.runIf(postgresUrl !== undefined)('two servers on one PostgreSQL', () => {
  let folder: string
  let url: string
  let database: OpenDb
  const running: ServerProcess[] = []
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bootwright-two-'))
    url = await createFresh(postgresUrl as string)
    database = await openPostgres(url)
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.kill()))
  })
  afterAll(async () => {
    await database.close()
    await rm(folder, { recursive: true })
  })
  const data = (name: string) => join(folder, name)
  const start = async (name: string, env: Record<string, string> = {}) => {
    const server = await startServerProcess(data(name), { DATABASE_URL: url, ...env })
    running.push(server)
    return server
  }
  const fault = (name: string, env?: Record<string, string>) =>
    start(name, env).then(
      () => 'the server started',
      (error: Error) => error.message,
    )
  const mac = '52:54:00:aa:00:07'
  const script = (server: ServerProcess) => getAsIpxe(`${server.bootUrl}/ipxe?mac=${mac}&arch=x86_64&platform=pcbios`)

  test('need the same key from the first start on, and the error says how to copy it', async () => {
    await start('first')
    const [{ key = '' } = {}] = rowsOf<{ key: string }>(
      await database.db.execute(sql`select secret_key_id as key from installation`),
    )
    expect(key).toMatch(/^[0-9a-f]{8}$/)
    const refused = await fault('second')
    expect(refused).toContain(`${data('second')}/secret.key is missing`)
    expect(refused).toContain(`BOOTWRIGHT_FORGET_KEY=${key}`)
    const other = await fault('second', { BOOTWRIGHT_SECRET_KEY: randomBytes(32).toString('hex') })
    expect(other).toContain(`expected the key ${key} of this database`)
    expect(other).toContain('copy secret.key from the data folder of a server')
    await cp(join(data('first'), 'secret.key'), join(data('second'), 'secret.key'))
    await start('second')
  })

  test('keep the records of files that only one of them has, and only the server with the store accepts files', async () => {
    const first = await start('first')
    const bytes = randomBytes(100_000)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    await put(first.socketPath, `/api/v1/files/${sha256}?name=linux`, bytes)
    const image = { variants: [{ arch: 'x86_64', kind: 'linux', kernel: { sha256, name: 'linux' } }] }
    await put(first.socketPath, '/api/v1/images/tool', image)
    await put(first.socketPath, `/api/v1/machines/${mac}`, { assignment: { image: 'tool' } })

    const second = await start('second')
    expect(second.output()).toContain('this server does not share the store of image files')
    expect(await script(second)).not.toContain('kernel ')
    expect((await fetch(`${second.bootUrl}/files/${sha256}/linux`)).status).not.toBe(200)
    await expect(put(second.socketPath, `/api/v1/files/${'a'.repeat(64)}?name=x`, bytes)).rejects.toThrow('409')
    const [file] = rowsOf<{ damage: string | null }>(
      await database.db.execute(sql`select damage from files where sha256 = ${sha256}`),
    )
    expect(file?.damage).toBe(null)
    expect(await script(first)).toContain('kernel ')
  })

  test('let exactly one of two people promote a version, and the other hears who was first and what is current', async () => {
    const [first, second] = [await start('first'), await start('second')]
    for (const arch of ['x86_64', 'arm64', 'i386']) {
      const saved = await first.ask('PUT', '/images/raced', { variants: [{ arch, kind: 'local' }], draft: true })
      expect([arch, saved.status < 300]).toEqual([arch, true])
    }
    for (let round = 0; round < 5; round++) {
      const { version: from } = (await first.ask('GET', '/images/raced')).body
      const [one, other] = [1, 2, 3].filter((version) => version !== from)
      const answers = await Promise.all([
        first.ask('PATCH', '/images/raced?count=true', { version: one, from }),
        second.ask('PATCH', '/images/raced?count=true', { version: other, from }),
      ])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
      const { version } = answers.find(({ status }) => status === 200)?.body ?? {}
      const { detail } = answers.find(({ status }) => status === 409)?.body ?? {}
      expect(detail).toMatch(
        new RegExp(
          `^version ${version} of image raced is current, not version ${from}: \\S+ promoted version ${version} at `,
        ),
      )
      for (const server of [first, second])
        expect((await server.ask('GET', '/images/raced')).body.version).toBe(version)
    }
  })

  test('start again after a key is lost, if the operator gives up everything that it encrypted', async () => {
    const first = await start('first')
    await put(first.socketPath, `/api/v1/machines/${mac}/secrets/root`, { value: 'hidden' })
    await first.kill()
    await rm(join(data('first'), 'secret.key'))
    const refused = await fault('first')
    expect(refused).toContain('1 secrets, 0 webhooks')
    const key = /BOOTWRIGHT_FORGET_KEY=([0-9a-f]{8})/.exec(refused)?.[1] ?? ''
    const again = await start('first', { BOOTWRIGHT_FORGET_KEY: key })
    expect(again.output()).toContain('deleted a lost key')
    expect((await again.ask('GET', `/machines/${mac}/secrets`)).body.items).toEqual([])
    expect((await again.ask('GET', '/changes?limit=5')).status).toBe(200)
    await again.kill()
    await start('first')
  })
})

eachDatabase('an older program', (database) => {
  test('refuses the database of a newer program, and names both versions', async () => {
    const older = { version: '0.0.9', migrations: { count: 2, newest: 1_000_000_000_000 } }
    await expect(refuseNewerDatabase(database(), older)).rejects.toThrow(
      /^the database belongs to Bootwright \d+\.\d+\.\d+ with \d+ migrations, but this is Bootwright 0\.0\.9 with 2\./,
    )
    await refuseNewerDatabase(database())
  })
})
