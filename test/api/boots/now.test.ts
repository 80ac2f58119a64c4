import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createNowBoard, startOfDay } from '../../../src/api/boots/now-board.ts'
import type { Now } from '../../../src/api/schemas/boots/now.ts'
import { createThroughput } from '../../../src/lib/time/throughput.ts'
import { noAddress } from '../../../src/model/boot.ts'
import type { RunningDownload } from '../../../src/model/timeline/downloads.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { startTestRecorder } from '../../helpers/journal.ts'
import { quietSources } from '../../helpers/now.ts'
import { recordReport } from '../../helpers/reports.ts'

const log = pino({ level: 'silent' })

eachDatabase('the document of this moment', (database) => {
  let api: Api
  let downloads: RunningDownload[] = []
  beforeAll(async () => {
    api = await openApi(database())
  })
  beforeEach(() => {
    downloads = []
    // The kept parts belong to the test before.
    api.deps.now.stop()
    const live = { ...quietSources(), downloads: () => downloads }
    api.deps.now = createNowBoard({ db: database(), doctor: api.deps.doctor, live, log })
  })
  afterAll(() => api.remove())

  const now = async (query = ''): Promise<Now> => {
    const { status, body } = await api.ask('GET', `/api/v1/now${query}`)
    expect(status).toBe(200)
    return body
  }
  const macOf = (number: number) => `52:54:00:00:00:${String(number).padStart(2, '0')}`
  const ipOf = (number: number) => `192.0.2.${number}`
  const boot = (number: number, reports = true) =>
    openBootFor(database(), { mac: macOf(number), platform: 'efi', buildarch: 'x86_64' }, ipOf(number), { reports })
  const at = (id: string, fields: string) =>
    database().execute(sql`update boots set ${sql.raw(fields)} where id = ${id}`)
  const record = async (...events: Parameters<ReturnType<typeof startTestRecorder>['record']>[0][]) => {
    const recorder = startTestRecorder(database(), log)
    for (const event of events) recorder.record(event)
    await recorder.stop()
  }
  const download = (fields: Partial<RunningDownload>): RunningDownload => ({
    boot: undefined,
    address: ipOf(1),
    file: 'initrd.gz',
    doneBytes: 1000,
    totalBytes: 5000,
    bytesPerSecond: 100,
    startedAt: new Date(),
    movedAt: new Date(),
    ...fields,
  })

  test('is empty before anything boots, without a null', async () => {
    const { status, body } = await api.ask('GET', '/api/v1/now')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      database: 'here',
      booting: { items: [], more: false },
      firmware: { items: [], more: false },
      downloads: [],
      outcomes: { counts: { booted: 0, open: 0 } },
      bootTimes: [],
      deployments: [],
      throughput: { boot: { bytesPerSecond: 0, stepSeconds: 5 }, tftp: { bytesPerSecond: 0 } },
      findings: { foreignServers: [], conflicts: 0 },
    })
    expect(JSON.stringify(body)).not.toContain('null')
  })

  test('lists open boots with stalled ones first, then those that have been at their stage for longest', async () => {
    const [young, old, stalled, ended] = [await boot(1), await boot(2), await boot(3), await boot(4)]
    await at(old.id, "moved_at = now() - interval '2 minutes'")
    await at(
      stalled.id,
      "outcome = 'stalled', message = 'stalled at script: no file', moved_at = now() - interval '1 minute'",
    )
    await recordReport(database(), ended.token, 'booted', ipOf(4), undefined)
    const { booting } = await now()
    expect(booting.items.map(({ id }) => id)).toEqual([stalled.id, old.id, young.id])
    expect(booting.items[0]).toMatchObject({
      mac: macOf(3),
      stage: 'script',
      stalled: { text: 'stalled at script: no file', code: 'BW-BASE-URL', title: expect.any(String) },
    })
    expect(booting.items[2]).not.toHaveProperty('stalled')
    expect(booting.items[2]).not.toHaveProperty('gap')
  })

  test('has the download of a boot, by the boot in its URL or by the address', async () => {
    const [first, second] = [await boot(1), await boot(2)]
    downloads = [
      download({ boot: first.id, address: '198.51.100.1' }),
      download({ address: ipOf(2), file: 'squashfs.img' }),
      download({ address: '203.0.113.9', file: 'other.img' }),
    ]
    const { booting, downloads: others } = await now()
    const byId = new Map(booting.items.map((item) => [item.id, item]))
    expect(byId.get(first.id)?.download).toMatchObject({
      file: 'initrd.gz',
      doneBytes: 1000,
      totalBytes: 5000,
      bytesPerSecond: 100,
    })
    expect(byId.get(second.id)?.download).toMatchObject({ file: 'squashfs.img' })
    expect(others).toEqual([expect.objectContaining({ address: '203.0.113.9', file: 'other.img' })])
  })

  test('never calls a boot stalled whose bytes move, and names the stuck download of another', async () => {
    const [slow, stuck] = [await boot(1), await boot(2)]
    await at(
      slow.id,
      "outcome = 'stalled', message = 'stalled at script: no file', moved_at = now() - interval '9 minutes'",
    )
    downloads = [download({ boot: slow.id }), download({ boot: stuck.id, movedAt: new Date(Date.now() - 30_000) })]
    const { booting } = await now()
    expect(booting.items.map(({ id }) => id)).toEqual([stuck.id, slow.id])
    expect(booting.items[0]?.stalled?.text).toContain('the download of initrd.gz is stuck at 1000 of 5000 bytes')
    expect(booting.items[1]).not.toHaveProperty('stalled')
  })

  test('names the gap of a boot whose download was interrupted', async () => {
    const { id } = await boot(1)
    await record({
      bootId: id,
      ip: ipOf(1),
      stage: 'kernel',
      file: 'vmlinuz',
      bytes: 12,
      message: 'interrupted after 12 of 99 bytes',
    })
    const { booting } = await now()
    expect(booting.items[0]?.gap?.text).toBe('the download of vmlinuz was interrupted after 12 bytes')
  })

  test('lists firmware without a script: by its MAC with the address of its lease, with a gap first', async () => {
    const machine = (await api.ask('PUT', `/api/v1/machines/${macOf(1)}`, { hostname: 'web1' })).body
    await record(
      { stage: 'dhcp', kind: 'offered', client: 'pxe', mac: macOf(1), ip: noAddress, file: 'snponly.efi' },
      { stage: 'dhcp', kind: 'accepted', mac: macOf(1), ip: ipOf(1) },
    )
    await database().execute(sql`update boot_events set at = at - interval '2 minutes'`)
    await record(
      { stage: 'dhcp', kind: 'offered', client: 'pxe', mac: macOf(2), ip: noAddress, file: 'snponly.efi' },
      { stage: 'dhcp', kind: 'accepted', mac: macOf(2), ip: ipOf(2) },
      { stage: 'nbp', ip: ipOf(2), file: 'snponly.efi', bytes: 285_000, durationMs: 30 },
      { stage: 'nbp', ip: ipOf(9), file: 'undionly.kpxe', bytes: 70_000, durationMs: 30 },
    )
    const { firmware } = await now()
    expect(firmware).toMatchObject({
      more: false,
      items: [
        {
          mac: macOf(1),
          ip: ipOf(1),
          machine: { id: machine.id, name: 'web1' },
          stage: 'dhcp',
          file: 'snponly.efi',
          gap: { code: 'BW-FOREIGN-PROXY', text: expect.stringContaining('never asked here for snponly.efi') },
        },
        { mac: macOf(2), ip: ipOf(2), stage: 'nbp' },
        { ip: ipOf(9), stage: 'nbp', file: 'undionly.kpxe' },
      ],
    })
    expect(firmware.items[1]).not.toHaveProperty('gap')
    expect(firmware.items[2]).not.toHaveProperty('mac')
  })

  test('no longer lists firmware that got its script, or that was seen long ago', async () => {
    await record({ stage: 'dhcp', kind: 'offered', client: 'pxe', mac: macOf(1), ip: noAddress, file: 'snponly.efi' })
    await boot(1)
    await record({ stage: 'dhcp', kind: 'offered', client: 'pxe', mac: macOf(2), ip: noAddress, file: 'snponly.efi' })
    await database().execute(sql`update boot_events set at = now() - interval '6 minutes' where mac = ${macOf(2)}`)
    expect((await now()).firmware.items).toEqual([])
  })

  test('counts the outcomes of today in a time zone', async () => {
    const [booted, local, before] = [await boot(1), await boot(2, false), await boot(3)]
    await recordReport(database(), booted.token, 'booted', ipOf(1), undefined)
    await recordReport(database(), local.token, 'ready', ipOf(2), undefined)
    const midnight = startOfDay(new Date(), 60)
    await at(before.id, `started_at = '${new Date(midnight.getTime() - 1000).toISOString()}'`)
    const { outcomes } = await now('?utcOffset=60')
    expect(outcomes.since).toBe(midnight.toISOString())
    expect(outcomes.counts).toEqual({
      ...{ booted: 1, installed: 0, failed: 0, handedOver: 0, local: 1, stalled: 0, superseded: 0, open: 0 },
    })
  })

  test('begins the day at midnight of the time zone', () => {
    const moment = new Date('2026-11-27T23:30:00Z')
    expect(startOfDay(moment, 0).toISOString()).toBe('2026-11-27T00:00:00.000Z')
    expect(startOfDay(moment, 60).toISOString()).toBe('2026-11-27T23:00:00.000Z')
    expect(startOfDay(moment, -600).toISOString()).toBe('2026-11-27T10:00:00.000Z')
  })

  test('has the median and the 95th percentile of boot times by image', async () => {
    for (let number = 1; number <= 20; number++) {
      const { id } = await boot(number)
      await at(id, `image = 'debian-12', outcome = 'booted', ended_at = started_at + interval '${number} seconds'`)
    }
    const { id } = await boot(21)
    await at(id, "image = 'debian-12', outcome = 'installed', ended_at = started_at + interval '10 minutes'")
    expect((await now()).bootTimes).toEqual([
      { image: 'debian-12', outcome: 'booted', boots: 20, medianSeconds: 10.5, p95Seconds: 19.1 },
      { image: 'debian-12', outcome: 'installed', boots: 1, medianSeconds: 600, p95Seconds: 600 },
    ])
  })

  test('counts running deployments by batch, newest first, and those that were armed alone', async () => {
    const batches = [
      '0190d3f2-7c1a-7b5e-9f00-000000000001',
      '0190d3f2-7c1a-7b5e-9f00-000000000002',
      '0190d3f2-7c1a-7b5e-9f00-000000000003',
    ]
    const arm = async (number: number, state: string, batch: string | null) => {
      const { id } = (await api.ask('PUT', `/api/v1/machines/${macOf(number)}`, {})).body
      await database().execute(sql`
        insert into deployments (id, machine_id, image, batch, assignment, state, max_attempts, window_seconds, armed_by)
        values (gen_random_uuid(), ${id}, 'debian-12', ${batch}, '{}', ${state}, 3, 60, 'operator')`)
    }
    const [old = '', ended = '', young = ''] = batches
    for (const [number, state, batch] of [
      ...([
        [1, 'installed', old],
        [2, 'failed', old],
        [3, 'armed', old],
      ] as const),
      ...([[4, 'installed', ended]] as const),
      ...([
        [5, 'installing', young],
        [6, 'installing', young],
      ] as const),
      ...([
        [7, 'started', null],
        [8, 'installed', null],
      ] as const),
    ])
      await arm(number, state, batch)
    const none = { armed: 0, started: 0, installing: 0, installed: 0, failed: 0, cancelled: 0 }
    expect((await now()).deployments).toEqual([
      { batch: young, image: 'debian-12', counts: { ...none, installing: 2 } },
      { batch: old, image: 'debian-12', counts: { ...none, armed: 1, installed: 1, failed: 1 } },
      { image: 'debian-12', counts: { ...none, started: 1 } },
    ])
  })

  test('has the problems that the doctor found, and starts the checks of the server when somebody looks', async () => {
    await now()
    await expect
      .poll(async () => (await now()).findings.server?.state, { timeout: 30_000, interval: 500 })
      .toBe('error')
    const { findings } = await now()
    expect(findings.server?.findings.map(({ code }) => code)).toContain('BW-NO-NBPS')
    expect(findings.server?.findings.every(({ state }) => state !== 'ok')).toBe(true)
  })

  test('is bounded, and says if there is more', async () => {
    await boot(1)
    await database().execute(sql`
      insert into boots (id, mac, ip, decision, moved_at)
      select gen_random_uuid(), '52:54:00:00:00:01', '192.0.2.1', decision, now() from boots, generate_series(1, 250) as n`)
    const { booting } = await now()
    expect(booting.items).toHaveLength(200)
    expect(booting.more).toBe(true)
  })

  test('says that the database is away, and keeps what it last knew', async () => {
    const { id } = await boot(1)
    let isAway = false
    const db = new Proxy(database(), {
      get: (target, key) => {
        if (isAway) throw new Error('connection refused')
        const value = Reflect.get(target, key) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const { chart, add } = createThroughput()
    const live = { downloads: () => downloads, throughput: { boot: chart, tftp: chart } }
    api.deps.now = createNowBoard({ db, doctor: api.deps.doctor, live, log })
    expect(await now()).toMatchObject({ database: 'here', booting: { items: [{ id }] } })
    isAway = true
    downloads = [download({ boot: id })]
    add(1)
    await expect.poll(async () => (await now()).database, { timeout: 10_000 }).toBe('away')
    expect((await now()).booting.items).toMatchObject([{ id, download: { file: 'initrd.gz' } }])
  })

  test('is computed once for all that follow, and not while nobody does', async () => {
    let asked = 0
    const live = {
      ...quietSources(),
      downloads: () => {
        asked += 1
        return [download({ doneBytes: asked })]
      },
    }
    const board = createNowBoard({ db: database(), doctor: api.deps.doctor, live, log })
    const gone = new AbortController()
    const seen = [0, 0, 0]
    const followers = seen.map(async (_, number) => {
      for await (const json of board.follow(0, gone.signal) ?? [])
        if (json !== undefined) seen[number] = (seen[number] ?? 0) + 1
    })
    await expect.poll(() => Math.min(...seen), { timeout: 20_000 }).toBeGreaterThanOrEqual(3)
    gone.abort()
    await Promise.all(followers)
    expect(asked).toBeLessThanOrEqual(Math.max(...seen) + 1)
    const before = asked
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(asked).toBe(before)
  })

  test('refuses what is not an offset of a time zone', async () => {
    for (const offset of ['900', '-735', '7', 'x', ''])
      expect((await api.ask('GET', `/api/v1/now?utcOffset=${offset}`)).status).toBe(422)
  })
})
