import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { rowsOf } from '../../../src/db/rows.ts'
import {
  capStrayDhcpEvents,
  listBootEvents,
  maxEventsPerBoot,
  pruneStrayEvents,
} from '../../../src/inventory/boots/events.ts'
import { maxAdoptedEvents } from '../../../src/inventory/boots/open-boot.ts'
import { maxDhcpEventsPerMinute } from '../../../src/inventory/journal/open-journal.ts'
import { noAddress } from '../../../src/model/boot.ts'
import { openBootFor, testBootKeys } from '../../helpers/boots.ts'
import { eachDatabase, openTestDatabase } from '../../helpers/database.ts'
import { startTestRecorder } from '../../helpers/journal.ts'

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
    const recorder = startTestRecorder(database(), quiet)
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
    const recorder = startTestRecorder(database(), quiet)
    recorder.record({ bootId: testBootKeys().id, ip, stage: 'kernel' })
    recorder.record({ bootId, ip, stage: 'kernel' })
    await recorder.stop()
    expect((await listBootEvents(database(), bootId)).map((one) => one.stage)).toEqual(['script', 'kernel'])
    expect(await count()).toBe(2)
  })

  test('of one boot are limited in number, also within one batch', async () => {
    const bootId = await open()
    const recorder = startTestRecorder(database(), quiet)
    for (let n = 0; n < 3 * maxEventsPerBoot; n++) recorder.record({ bootId, ip, stage: 'file' })
    await recorder.stop()
    expect(await count()).toBe(maxEventsPerBoot)
  })

  test('are each written once while other events are recorded', async () => {
    const recorder = startTestRecorder(database(), quiet)
    for (let n = 0; n < 50; n++) {
      recorder.record({ ip, stage: 'nbp' })
      if (n % 10 === 0) void recorder.flush()
      if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await recorder.stop()
    expect(await count()).toBe(50)
  })

  test('with a NUL or a bad id do not prevent other events from being written', async () => {
    const recorder = startTestRecorder(database(), quiet)
    recorder.record({ ip, stage: 'nbp', file: 'a\0b' })
    recorder.record({ ip, stage: 'nbp', file: 'half \ud800' })
    recorder.record({ bootId: 'not a uuid', ip, stage: 'kernel' })
    recorder.record({ ip, stage: 'nbp', file: 'good' })
    await recorder.stop()
    const rows = await database().execute(sql`select file from boot_events where file = 'good'`)
    expect(JSON.stringify(rows)).toContain('good')
  })

  test('of DHCP join the boot of their MAC, also from another address, and not the boot of another MAC', async () => {
    const mac = '52:54:00:12:34:56'
    const recorder = startTestRecorder(database(), quiet)
    recorder.record({ ip: noAddress, mac, stage: 'dhcp', message: 'discover' })
    recorder.record({ ip, mac, stage: 'dhcp', message: 'request' })
    recorder.record({ ip, mac: '52:54:00:00:00:99', stage: 'dhcp', message: 'of another machine' })
    recorder.record({ ip, stage: 'nbp', file: 'snponly.efi' })
    await recorder.stop()
    const boot = await openBootFor(database(), { mac }, ip)
    const events = await listBootEvents(database(), boot.id)
    expect(events.map(({ stage, mac, ip, message }) => [stage, mac, ip, message])).toEqual([
      ['dhcp', mac, noAddress, 'discover'],
      ['dhcp', mac, ip, 'request'],
      ['nbp', undefined, ip, undefined],
      ['script', undefined, ip, expect.any(String)],
    ])
    expect(await count()).toBe(5)
  })

  test('that happened before the script join its boot although they come after it, and later ones do not', async () => {
    const bootId = await open()
    const recorder = startTestRecorder(database(), quiet)
    recorder.record({ ip, stage: 'bootstrap', file: 'autoexec.ipxe' }, 5000)
    recorder.record({ ip, stage: 'nbp', file: 'ipxe.efi' })
    recorder.record({ ip: '192.0.2.8', stage: 'bootstrap', file: 'autoexec.ipxe' }, 5000)
    await recorder.stop()
    const list = await listBootEvents(database(), bootId)
    expect(list.map(({ stage, file }) => [stage, file])).toEqual([
      ['bootstrap', 'autoexec.ipxe'],
      ['script', undefined],
    ])
    expect(await count()).toBe(4)
  })

  test('of a flood with the MAC of a machine do not all join its boot: the newest do', async () => {
    const mac = '52:54:00:12:34:56'
    const recorder = startTestRecorder(database(), quiet)
    for (let n = 0; n < maxAdoptedEvents + 50; n++)
      recorder.record({ ip: noAddress, mac, stage: 'dhcp', message: `${n}` })
    await recorder.stop()
    const boot = await openBootFor(database(), { mac }, ip)
    const joined = (await listBootEvents(database(), boot.id)).filter(({ stage }) => stage === 'dhcp')
    expect(joined).toHaveLength(maxAdoptedEvents)
    expect(joined.at(-1)?.message).toBe(`${maxAdoptedEvents + 49}`)
  })

  test('of DHCP without a boot are limited in number, the newest are kept', async () => {
    const recorder = startTestRecorder(database(), quiet)
    for (let n = 0; n < 20; n++)
      recorder.record({ ip: noAddress, mac: `52:54:00:00:00:${n + 10}`, stage: 'dhcp', message: `${n}` })
    recorder.record({ ip, stage: 'nbp' })
    await recorder.stop()
    await capStrayDhcpEvents(database(), 5)
    const rows = rowsOf<{ message: string | null }>(
      await database().execute(sql`select message from boot_events order by id`),
    )
    expect(rows.map(({ message }) => message)).toEqual(['15', '16', '17', '18', '19', null])
  })

  test('of a flood of DHCP are dropped beyond the limit of a minute, with one warning, and others are stored', async () => {
    const lines: string[] = []
    const recorder = startTestRecorder(database(), pino({ level: 'warn' }, { write: (line) => void lines.push(line) }))
    for (let n = 0; n < maxDhcpEventsPerMinute + 500; n++)
      recorder.record({ ip: noAddress, mac: `52:54:00:00:00:${(n % 90) + 10}`, stage: 'dhcp' })
    recorder.record({ ip, stage: 'nbp' })
    await recorder.stop()
    expect(await count()).toBe(maxDhcpEventsPerMinute + 1)
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['DHCP events dropped: too many in this minute'])
  })

  test('are deleted after a day without a boot', async () => {
    await open()
    const recorder = startTestRecorder(database(), quiet)
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

test('wait with one warning while the database is unreachable, and are not lost', async () => {
  const { db, close } = await openTestDatabase()
  onTestFinished(close)
  let attempts = 0
  let isAway = true
  const flaky = new Proxy(db, {
    get: (target, name, receiver) => {
      if (name !== 'execute' && name !== 'transaction') return Reflect.get(target, name, receiver)
      attempts += 1
      if (isAway) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
      return target[name].bind(target)
    },
  })
  const lines: string[] = []
  const recorder = startTestRecorder(flaky, pino({ level: 'warn' }, { write: (line) => void lines.push(line) }))
  for (let event = 0; event < 20; event++) {
    recorder.record({ ip, stage: 'nbp' })
    await recorder.flush()
  }
  expect([attempts, lines.length]).toEqual([1, 1])
  expect(recorder.waiting()).toBe(20)
  isAway = false
  const count = async () =>
    rowsOf<{ n: number }>(await db.execute(sql`select count(*)::int as n from boot_events`))[0]?.n
  await expect.poll(count, { timeout: 10_000 }).toBe(20)
  await recorder.stop()
})
