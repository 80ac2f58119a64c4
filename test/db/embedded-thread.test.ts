import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openEmbeddedClient } from '../../src/db/embedded/client.ts'
import { mayWrite } from '../../src/db/embedded/may-write.ts'
import type { Engine } from '../../src/db/embedded/remote-engine.ts'
import { startEngine } from '../../src/db/embedded/start-engine.ts'
import type { OpenDb } from '../../src/db/open.ts'
import { openEmbedded } from '../../src/db/open-embedded.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { openTestDatabase, putTestDatabase } from '../helpers/database.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let folder: string
let inThread: OpenDb
let inMemory: OpenDb
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-thread-'))
  putTestDatabase(folder)
  ;[inThread, inMemory] = await Promise.all([openEmbedded(join(folder, 'database')), openTestDatabase()])
  for (const { db } of [inThread, inMemory])
    await db.execute(sql`create table notes (id int primary key, text text not null)`)
})
afterAll(async () => {
  await inThread?.close()
  await inMemory?.close()
  await rm(folder, { recursive: true, force: true })
})

const errorOf = async (work: Promise<unknown>) =>
  ((await work.then(
    () => undefined,
    (error: unknown) => error,
  )) ?? {}) as { cause?: Record<string, unknown> }

describe('the embedded database in its thread', () => {
  test('answers with the same values as in the thread of the caller', async () => {
    const values = sql`select 1 as int, 9007199254740993::bigint as big, 1.50::numeric as numeric, true as yes, null as nothing,
      '{"a":[1,null],"b":"ü"}'::jsonb as json, 'null'::jsonb as json_null, array['a','b"\\c',null] as texts, array[[1,2],[3,4]] as ints,
      '{"{\\"x\\":1}"}'::jsonb[] as jsons, '\\x00ff10'::bytea as bytes, timestamptz '2026-01-02 03:04:05.678901+00' as moment,
      array[timestamptz '2026-01-02 03:04:05+00'] as moments, '52:54:00:12:34:56'::macaddr as mac, 'infinity'::float8 as endless,
      gen_random_uuid() is not null as made`
    const [row] = rowsOf<Record<string, unknown>>(await inThread.db.execute(values))
    expect(row).toEqual(rowsOf(await inMemory.db.execute(values))[0])
    expect(row).toMatchObject({
      big: 9007199254740993n,
      json: { a: [1, null], b: 'ü' },
      json_null: null,
      texts: ['a', 'b"\\c', null],
      ints: [
        [1, 2],
        [3, 4],
      ],
      jsons: [{ x: 1 }],
      bytes: new Uint8Array([0, 255, 16]),
      moment: '2026-01-02 03:04:05.678901+00',
      endless: Number.POSITIVE_INFINITY,
    })
  })

  test('accepts dates, bytes, arrays and null as values', async () => {
    const at = new Date('2026-01-02T03:04:05.678Z')
    const given = sql`select ${at}::timestamptz = timestamptz '2026-01-02 03:04:05.678+00' as moment,
      ${new Uint8Array([0, 255])}::bytea = '\\x00ff'::bytea as bytes, ${sql.param(['a', 'b'])}::text[] = array['a', 'b'] as texts,
      ${null}::text is null as nothing, ${12}::int = 12 as int, ${false}::boolean as no`
    expect(rowsOf(await inThread.db.execute(given))).toEqual([
      { moment: true, bytes: true, texts: true, nothing: true, int: true, no: false },
    ])
  })

  test('keeps the code and the fields of an error, and works on', async () => {
    const { db } = inThread
    await db.execute(sql`insert into notes values (1, 'a')`)
    const { cause } = await errorOf(db.execute(sql`insert into notes values (1, 'b')`))
    expect(cause).toBeInstanceOf(Error)
    expect(cause).toMatchObject({
      message: 'duplicate key value violates unique constraint "notes_pkey"',
      code: '23505',
      constraint: 'notes_pkey',
      table: 'notes',
      detail: 'Key (id)=(1) already exists.',
    })
    expect((await errorOf(db.execute(sql`select nonsense`))).cause).toMatchObject({ code: '42703' })
    expect((await errorOf(db.execute(sql`select ${sql.param(() => 1)}`))).cause).toBeInstanceOf(Error)
    expect(rowsOf(await db.execute(sql`select text from notes`))).toEqual([{ text: 'a' }])
  })

  test('separates transactions and statements that run at the same time', async () => {
    const { db } = inThread
    const add = async (id: number, fails: boolean) =>
      db.transaction(async (tx) => {
        await tx.execute(sql`insert into notes values (${id}, 'begun')`)
        await new Promise((resolve) => setTimeout(resolve, 5))
        if (fails) throw new Error(`no ${id}`)
        await tx.execute(sql`update notes set text = 'done' where id = ${id}`)
      })
    const all = [100, 101, 102, 103].map((id) => add(id, id % 2 === 1).catch((error: Error) => error.message))
    const reads = [1, 2, 3].map(() => db.execute(sql`select id from notes where text = 'begun'`))
    expect(await Promise.all(all)).toEqual([undefined, 'no 101', undefined, 'no 103'])
    expect((await Promise.all(reads)).map(rowsOf)).toEqual([[], [], []])
    expect(rowsOf(await db.execute(sql`select id, text from notes where id >= 100 order by id`))).toEqual([
      { id: 100, text: 'done' },
      { id: 102, text: 'done' },
    ])
  })

  test('refuses a commit after a failed statement', async () => {
    const work = inThread.db.transaction(async (tx) => {
      await tx.execute(sql`insert into notes values (200, 'lost')`)
      await tx.execute(sql`select nonsense`).catch(() => {})
    })
    await expect(work).rejects.toMatchObject({ code: '25P02' })
    expect(rowsOf(await inThread.db.execute(sql`select 1 from notes where id = 200`))).toEqual([])
  })

  test('leaves the event loop of the server free during a long statement', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    await inThread.db.execute(sql`select count(*) from generate_series(1, 2000000) as n where n % 7 = 3`)
    clearInterval(timer)
    expect(turns).toBeGreaterThan(5)
  })

  test('counts what may have changed the database, and not what only reads', async () => {
    const { db, writes = () => Number.NaN } = inThread
    const counted = async (work: () => Promise<unknown>) => {
      const before = writes()
      await work().catch(() => {})
      return writes() - before
    }
    const insert = sql`insert into notes values (300, 'new')`
    expect(await counted(() => db.execute(sql`select 1`))).toBe(0)
    expect(await counted(() => db.execute(sql`with a as (select 1) select * from a`))).toBe(0)
    expect(await counted(() => db.transaction((tx) => tx.execute(sql`select 1`)))).toBe(0)
    expect(await counted(() => db.execute(insert))).toBe(1)
    expect(await counted(() => db.execute(insert))).toBe(1)
    expect(await counted(() => db.execute(sql`with a as (delete from notes returning id) select * from a`))).toBe(1)
    expect(await counted(() => db.transaction((tx) => tx.execute(insert)))).toBe(1)
    expect(
      await counted(() =>
        db.transaction(async (tx) => {
          await tx.execute(sql`delete from notes`)
          throw new Error('undone')
        }),
      ),
    ).toBe(1)
  })
})

test.each([
  ['select a from b where c = $1', false],
  [' SELECT 1', false],
  ['with x as (select 1) select * from x', false],
  ['WITH x AS (INSERT INTO a VALUES (1) RETURNING *) SELECT * FROM x', true],
  ['select nextval($1)', true],
  ['select * into copied from a', true],
  ['insert into a values (1)', true],
  ['update a set b = 1', true],
  ['vacuum', true],
  ['begin', true],
])('whether a statement may change the database: %s', (text, expected) => {
  expect(mayWrite(text)).toBe(expected)
})

test('a thread that ends is replaced, and no acknowledged change is lost', async () => {
  const own = await mkdtemp(join(tmpdir(), 'bootwright-thread-end-'))
  putTestDatabase(own)
  const engines: Engine[] = []
  const start = async () => {
    const engine = await startEngine({ folder: join(own, 'database'), durable: true })
    engines.push(engine)
    return engine
  }
  const room = { isLow: () => false, reason: () => '' }
  const client = await openEmbeddedClient(start, { room, log: undefined })
  try {
    await client.exec('create table notes (id int primary key)')
    await client.query('insert into notes values ($1)', [1])
    const before = client.writes()
    const unanswered = client.transaction(async ({ query }) => {
      await query('insert into notes values ($1)', [2])
      await engines[0]?.abandon()
      await query('insert into notes values ($1)', [3])
    })
    await expect(unanswered).rejects.toMatchObject({ code: '57P03', message: /embedded database stopped: its thread/ })
    expect(client.writes()).toBe(before + 1)
    expect(client.fault()).toContain('the embedded database stopped: its thread ended')
    await vi.waitUntil(() => client.fault() === undefined, { timeout: 60_000 })
    expect((await client.query('select id from notes')).rows).toEqual([{ id: 1 }])
    // The new engine may end while nobody asks it.
    await engines[1]?.abandon()
    await vi.waitUntil(() => engines.length === 3 && client.fault() === undefined, { timeout: 60_000 })
    expect((await client.query('select id from notes')).rows).toEqual([{ id: 1 }])
  } finally {
    await client.close()
    await rm(own, { recursive: true, force: true })
  }
})
