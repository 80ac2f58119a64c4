import { sql } from 'drizzle-orm'
import driver from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makePostgres, type PostgresCluster } from '../../scripts/servers/postgres-cluster.ts'
import type { Db, OpenDb } from '../../src/db/open.ts'
import { openPostgres } from '../../src/db/postgres/open-postgres.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { tokens } from '../../src/db/schema/access.ts'
import { messageOf } from '../../src/lib/errors.ts'
import { newId } from '../../src/lib/ids/uuid.ts'
import { isOutage } from '../../src/lib/outage.ts'
import { signalBackends } from '../helpers/backends.ts'
import { createFresh } from '../helpers/database.ts'
import { createDirectSituation } from '../helpers/direct-situation.ts'

const maxConnections = 20
const cluster = await makePostgres({ max_connections: String(maxConnections) })
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

// No code can catch an exception in an event of the driver, so Vitest fails the run for such an exception.
describe.runIf(cluster !== undefined)('a server whose PostgreSQL is unreachable', () => {
  const postgres = cluster as PostgresCluster
  let opened: OpenDb
  let db: Db
  let url: string
  beforeAll(async () => {
    await postgres.start()
    url = await createFresh(postgres.url)
    opened = await openPostgres(url)
    db = opened.db
    await db.execute(
      sql`create table pairs (id int primary key, first boolean default true, second boolean default false)`,
    )
  })
  afterAll(async () => {
    await opened.close()
    await postgres.remove()
  })
  const answers = () =>
    expect.poll(() => db.execute(sql`select 1`).then(() => true, String), { timeout: 20_000 }).toBe(true)

  let next = 0
  /** Writes pairs of statements, each in a transaction, until it is stopped. Returns acknowledged ids and errors. */
  const writer = (stopped: () => boolean) => {
    const acknowledged: number[] = []
    const faults: unknown[] = []
    const done = (async () => {
      while (!stopped()) {
        const id = ++next
        try {
          await db.transaction(async (tx) => {
            await tx.execute(sql`insert into pairs (id) values (${id})`)
            // During this wait, the connection may be lost and replaced by another.
            await wait(id % 3)
            await tx.execute(sql`update pairs set second = true where id = ${id}`)
          })
          acknowledged.push(id)
        } catch (error) {
          faults.push(error)
          await wait(5)
        }
      }
    })()
    return { acknowledged, faults, done }
  }
  const reader = (stopped: () => boolean) => {
    const faults: unknown[] = []
    const done = (async () => {
      while (!stopped())
        await db.execute(sql`select ${next}::int, pg_sleep(0.002)`).catch((error) => {
          faults.push(error)
          return wait(5)
        })
    })()
    return { faults, done }
  }

  test.each([
    ['a fast restart', () => postgres.stop('SIGINT').then(postgres.start)],
    ['an immediate restart', () => postgres.stop('SIGQUIT').then(postgres.start)],
    [
      'the end of all its connections',
      async () => {
        const admin = await openPostgres(`${postgres.url}/postgres`)
        await admin.db.execute(
          sql`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
        )
        await admin.close()
      },
    ],
  ])('keeps all acknowledged transactions and reconnects after %s', async (_, disturb) => {
    let ended = false
    const writers = Array.from({ length: 6 }, () => writer(() => ended))
    const readers = Array.from({ length: 6 }, () => reader(() => ended))
    for (let times = 0; times < 2; times++) {
      await wait(150)
      await disturb()
      await answers()
    }
    ended = true
    await Promise.all([...writers, ...readers].map(({ done }) => done))
    const rows = rowsOf<{ id: number; second: boolean }>(await db.execute(sql`select id, second from pairs`))
    const kept = new Set(rows.map(({ id }) => id))
    expect(writers.flatMap(({ acknowledged }) => acknowledged).filter((id) => !kept.has(id))).toEqual([])
    // A transaction that lost its connection leaves nothing in the next session.
    expect(rows.filter(({ second }) => !second)).toEqual([])
    const faults = [...writers, ...readers].flatMap(({ faults: list }) => list)
    expect(faults.filter((fault) => !isOutage(fault))).toEqual([])
  })

  test('answers machines within seconds while PostgreSQL is frozen, and uses the same connections afterwards', async () => {
    await Promise.all(Array.from({ length: 5 }, () => db.execute(sql`select pg_sleep(0.05)`)))
    expect(signalBackends(postgres.pid() as number, 'SIGSTOP')).toBeGreaterThan(0)
    try {
      const find = createDirectSituation(opened.bootDb as Db)
      const asked = Array.from({ length: 40 }, (_, n) =>
        find({ mac: `52:54:00:00:00:${n + 10}` }).then(
          () => 'answered',
          (error) => error,
        ),
      )
      const ends = await Promise.all(asked)
      expect(ends.filter((end) => end === 'answered' || !isOutage(end))).toEqual([])
    } finally {
      signalBackends(postgres.pid() as number, 'SIGCONT')
    }
    await answers()
  })

  test('refuses statements at once while the whole server is frozen, and reads all types as before afterwards', async () => {
    const pid = postgres.pid() as number
    const signal = (name: 'SIGSTOP' | 'SIGCONT') => {
      signalBackends(pid, name)
      process.kill(pid, name)
    }
    signal('SIGSTOP')
    try {
      const waiting = Array.from({ length: 30 }, () => db.execute(sql`select 1`).then(String, (error) => error))
      expect((await Promise.all(waiting)).filter((end) => !isOutage(end))).toEqual([])
      expect(opened.away?.()?.reason).toContain('the database did not answer')
      const refused = await Promise.all(
        Array.from({ length: 1000 }, () =>
          db.execute(sql`select 1`).then(String, (error: unknown) => messageOf(error)),
        ),
      )
      expect(new Set(refused).size).toBe(1)
      expect(refused[0]).toContain('the database is unreachable since')
    } finally {
      signal('SIGCONT')
    }
    await answers()
    expect(opened.away?.()).toBeUndefined()
    const scope = { rack: 'b4', of: 'a "quoted" name' }
    const [row] = await db.insert(tokens).values({ id: newId(), name: 'x', hash: 'x', scope }).returning()
    expect(row).toMatchObject({ scope, createdAt: expect.any(Date), revokedAt: null })
    expect(await db.select().from(tokens)).toEqual([row])
  })

  test('treats PostgreSQL as unreachable if it is silent for longer than a statement may take', async () => {
    const { db: own, close } = await openPostgres(`${url}?statement_timeout=500`)
    await own.execute(sql`select 1`)
    const long = await own.execute(sql`select pg_sleep(5)`).catch((error: Error) => String(error.cause))
    expect(long).toContain('statement timeout')
    signalBackends(postgres.pid() as number, 'SIGSTOP')
    const fault = await own.execute(sql`select 2`).catch((error) => error)
    signalBackends(postgres.pid() as number, 'SIGCONT')
    expect(isOutage(fault)).toBe(true)
    await own.execute(sql`select 3`)
    await close()
  })

  test('serves with few free connections, and reports that they are few', async () => {
    const used = rowsOf(
      await db.execute(sql`select 1 from pg_stat_activity where backend_type = 'client backend'`),
    ).length
    const others = driver(url, { max: maxConnections - used - 3 })
    const holding = Array.from({ length: maxConnections - used - 3 }, () => others`select pg_sleep(0.2)`)
    await Promise.all(holding)
    const { db: own, isShort, close } = await openPostgres(url)
    try {
      const asked = Array.from({ length: 60 }, () =>
        own.execute(sql`select pg_sleep(0.01)`).then(() => 'answered', String),
      )
      expect(new Set(await Promise.all(asked))).toEqual(new Set(['answered']))
      expect(isShort?.()).toBe(true)
    } finally {
      await Promise.all([close(), others.end()])
    }
  })
})
