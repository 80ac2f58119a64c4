import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import driver from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { makePostgres, type PostgresCluster } from '../../scripts/servers/postgres-cluster.ts'
import { getAsIpxe } from '../helpers/boot-server.ts'
import { createFresh } from '../helpers/database.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const postgres = (await makePostgres({ max_connections: '8', superuser_reserved_connections: '0' })) as PostgresCluster

describe.runIf(postgres !== undefined)('a server that starts while its database is away', () => {
  let folder: string
  let url: string
  let running: ServerProcess | undefined
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bootwright-outage-start-'))
    await postgres.start()
    url = await createFresh(postgres.url)
    const first = await startServerProcess(join(folder, 'known'), { DATABASE_URL: url })
    await first.ask('PUT', '/machines/52:54:00:00:00:01', { hostname: 'one', assignment: { local: true } })
    // The last known state is at most a second old, and is saved at the end.
    await new Promise((resolve) => setTimeout(resolve, 3000))
    expect(await first.stop()).toBe(0)
  })
  afterEach(async () => {
    await running?.kill()
    if (postgres.pid() === undefined) await postgres.start()
  })
  afterAll(async () => {
    await postgres.remove()
    await rm(folder, { recursive: true })
  })
  const start = async (data = 'known', database = url) => {
    running = await startServerProcess(join(folder, data), { DATABASE_URL: database })
    return running
  }
  const status = (path: string) =>
    fetch(`${running?.bootUrl}${path}`).then(
      (response) => response.status,
      () => 0,
    )
  const page = (path: string) => {
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+(?= {3}API)/.exec(running?.output() ?? '') ?? []
    return fetch(url + path, { headers: { cookie: '__Host-bootwright-session=abc' } })
  }
  const becomesReady = async () => {
    await expect
      .poll(() => running?.ask('GET', '/policy').then((answer) => answer.status), { timeout: 20_000 })
      .toBe(200)
    expect((await running?.ask('GET', '/machines/52:54:00:00:00:01'))?.body.hostname).toBe('one')
    expect(running?.output()).toContain('The database answers, and is ready.')
    expect(running?.output()).not.toMatch(/uncaught|TypeError/)
  }
  const refusesChanges = async () => {
    expect(running?.output()).toContain('server started without the database')
    expect(await status('/boot.ipxe')).toBe(200)
    const script = await getAsIpxe(`${running?.bootUrl}/ipxe?mac=52-54-00-00-00-01&arch=x86_64&platform=efi`)
    expect(script).toContain('decided without the database, as of')
    expect(script).toMatch(/\/b\/[\w-]{43}\/ready/)
    for (const [method, path, body] of [
      ['PUT', '/machines/52:54:00:00:00:02', { hostname: 'two' }],
      ['DELETE', '/machines/52:54:00:00:00:01', undefined],
      ['GET', '/machines', undefined],
    ] as const) {
      const answer = await running?.ask(method, path, body)
      expect([path, answer?.status]).toEqual([path, 503])
      expect(answer?.body).toMatchObject({ status: 503, title: 'Service Unavailable' })
    }
    const shown = await page('/machines')
    expect([shown.status, shown.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await shown.text()).toContain('Machines continue to boot. Try again in a few seconds.')
    expect([await status('/healthz'), (await page('/healthz')).status]).toEqual([200, 200])
    const away = { reason: 'database-unreachable', since: expect.any(String) }
    expect(await (await page('/readyz')).json()).toMatchObject({
      status: 'degraded',
      degraded: expect.arrayContaining([expect.objectContaining(away)]),
    })
    expect((await page('/api/v1/machines')).headers.get('retry-after')).toBe('5')
  }

  test('serves if the connection is refused, and uses the database as soon as it answers', async () => {
    await postgres.stop('SIGINT')
    await start()
    await refusesChanges()
    await postgres.start()
    await becomesReady()
  })

  test('serves if PostgreSQL accepts connections and never answers', async () => {
    process.kill(postgres.pid() as number, 'SIGSTOP')
    try {
      await start()
      await refusesChanges()
    } finally {
      process.kill(postgres.pid() as number, 'SIGCONT')
    }
    await becomesReady()
  })

  test('serves if all connections of PostgreSQL are in use', async () => {
    const sql = driver(url, { max: 8 })
    const held = await Promise.all(Array.from({ length: 8 }, () => sql.reserve()))
    const release = async () => {
      for (const connection of held.splice(0)) connection.release()
      await sql.end({ timeout: 1 })
    }
    onTestFinished(release)
    await start()
    await refusesChanges()
    await release()
    await becomesReady()
  })

  test('serves if PostgreSQL is starting up, and logs each reason once', async () => {
    const starting = await refusing('57P03', 'the database system is starting up')
    const { port } = starting.address() as { port: number }
    try {
      await start('known', url.replace(String(postgres.port), String(port)))
      await refusesChanges()
      await new Promise((resolve) => setTimeout(resolve, 3000))
      expect(running?.output().match(/starting up/g)?.length).toBeLessThan(12)
    } finally {
      starting.close()
    }
  })

  test('ends with the reason if it has never run, or if the database refuses it for good', async () => {
    const fault = (data: string, database: string) =>
      start(data, database).then(
        () => 'it started',
        (error: Error) => error.message,
      )
    expect(await fault('known', url.replace(/[^/]+$/, 'missing'))).toMatch(/DATABASE_URL: .*"missing" does not exist/)
    await postgres.stop('SIGINT')
    expect(await fault('new', url)).toMatch(/DATABASE_URL: cannot connect to 127\.0\.0\.1/)
  })
})

/** A server that answers each connection with a PostgreSQL error. */
async function refusing(code: string, message: string): Promise<Server> {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(fields.length + 4, 1)
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(Buffer.concat([head, fields])))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
