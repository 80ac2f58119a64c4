import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { rowsOf } from '../../../src/db/rows.ts'
import { newBootKeys } from '../../../src/inventory/boots/boots.ts'
import {
  listBootEvents,
  maxEventsPerBoot,
  pruneStrayEvents,
  startBootEventRecorder,
} from '../../../src/inventory/boots/events.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase, openTestDatabase } from '../../helpers/database.ts'

const ip = '192.0.2.7'
const quiet = pino({ level: 'silent' })

eachDatabase('boot events', (database) => {
  const open = async () => {
    return (await openBootFor(database(), {}, ip)).id
  }
  const count = async () => {
    const rows = (await database().execute(sql`select count(*)::int as n from boot_events`)) as unknown as
      | { n: number }[]
      | { rows: { n: number }[] }
    return (Array.isArray(rows) ? rows : rows.rows)[0]?.n
  }

  test('are stored in the order in which they were seen, with their details', async () => {
    const bootId = await open()
    const recorder = startBootEventRecorder(database(), quiet)
    recorder.record({ bootId, ip, stage: 'kernel', file: 'vmlinuz', bytes: 6_000_000_000, durationMs: 3 })
    recorder.record({ bootId, ip, stage: 'booted', message: 'ünïcode "quoted"' })
    await recorder.flush()
    expect((await listBootEvents(database(), bootId)).slice(1)).toEqual([
      { ip, stage: 'kernel', file: 'vmlinuz', bytes: 6_000_000_000, durationMs: 3, at: expect.any(Date) },
      { ip, stage: 'booted', message: 'ünïcode "quoted"', at: expect.any(Date) },
    ])
    await recorder.stop()
  })

  test('of an unknown boot are dropped, and the other events of the batch are stored', async () => {
    const bootId = await open()
    const recorder = startBootEventRecorder(database(), quiet)
    recorder.record({ bootId: newBootKeys().id, ip, stage: 'kernel' })
    recorder.record({ bootId, ip, stage: 'kernel' })
    await recorder.stop()
    expect((await listBootEvents(database(), bootId)).map((one) => one.stage)).toEqual(['script', 'kernel'])
    expect(await count()).toBe(2)
  })

  test('of one boot are limited in number, also within one batch', async () => {
    const bootId = await open()
    const recorder = startBootEventRecorder(database(), quiet)
    for (let n = 0; n < 3 * maxEventsPerBoot; n++) recorder.record({ bootId, ip, stage: 'file' })
    await recorder.stop()
    expect(await count()).toBe(maxEventsPerBoot)
  })

  test('are each written once while other events are recorded', async () => {
    const recorder = startBootEventRecorder(database(), quiet)
    for (let n = 0; n < 50; n++) {
      recorder.record({ ip, stage: 'nbp' })
      if (n % 10 === 0) void recorder.flush()
      if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await recorder.stop()
    expect(await count()).toBe(50)
  })

  test('with a NUL or a bad id do not prevent other events from being written', async () => {
    const recorder = startBootEventRecorder(database(), quiet)
    recorder.record({ ip, stage: 'nbp', file: 'a\0b' })
    recorder.record({ ip, stage: 'nbp', file: 'half \ud800' })
    recorder.record({ bootId: 'not a uuid', ip, stage: 'kernel' })
    recorder.record({ ip, stage: 'nbp', file: 'good' })
    await recorder.stop()
    const rows = await database().execute(sql`select file from boot_events where file = 'good'`)
    expect(JSON.stringify(rows)).toContain('good')
  })

  test('are deleted after a day without a boot', async () => {
    await open()
    const recorder = startBootEventRecorder(database(), quiet)
    recorder.record({ ip, stage: 'nbp' })
    recorder.record({ ip, stage: 'nbp' })
    await recorder.stop()
    await database().execute(
      sql`update boot_events set at = now() - interval '25 hours' where id in (select min(id) from boot_events where boot_id is null)`,
    )
    await pruneStrayEvents(database())
    expect(await count()).toBe(2)
  })
})

test('flush once and warn once per retry period while the database is unreachable, and are not lost', async () => {
  const { db, close } = await openTestDatabase()
  onTestFinished(close)
  let attempts = 0
  let isAway = true
  const flaky = new Proxy(db, {
    get: (target, name, receiver) => {
      if (name !== 'execute') return Reflect.get(target, name, receiver)
      attempts += 1
      if (isAway) throw new Error('connect ECONNREFUSED')
      return target.execute.bind(target)
    },
  })
  const lines: string[] = []
  const recorder = startBootEventRecorder(flaky, pino({ level: 'warn' }, { write: (line) => void lines.push(line) }))
  for (let report = 0; report < 20; report++) {
    recorder.record({ ip, stage: 'nbp' })
    await recorder.flush()
  }
  expect([attempts, lines.length]).toEqual([1, 1])
  isAway = false
  const count = async () =>
    rowsOf<{ n: number }>(await db.execute(sql`select count(*)::int as n from boot_events`))[0]?.n
  await expect.poll(count, { timeout: 10_000 }).toBe(20)
  await recorder.stop()
})
