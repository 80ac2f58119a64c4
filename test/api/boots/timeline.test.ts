import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noAddress } from '../../../src/model/boot.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { startTestRecorder } from '../../helpers/journal.ts'
import { recordReport } from '../../helpers/reports.ts'

const mac = '52:54:00:12:34:56'
const stranger = '52:54:00:99:99:99'
const ip = '192.0.2.7'

eachDatabase('the timeline of a machine', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  const record = async (...events: Parameters<ReturnType<typeof startTestRecorder>['record']>[0][]) => {
    const recorder = startTestRecorder(database(), pino({ level: 'silent' }))
    for (const event of events) recorder.record(event)
    await recorder.stop()
  }
  const firmware = async (of: string, address: string) =>
    record(
      { stage: 'dhcp', kind: 'offered', client: 'pxe', mac: of, ip: noAddress, file: 'snponly.efi' },
      { stage: 'dhcp', kind: 'accepted', mac: of, ip: address },
      { stage: 'dhcp', kind: 'answered', client: 'pxe', mac: of, ip: address, file: 'snponly.efi' },
      { stage: 'nbp', ip: address, file: 'snponly.efi', bytes: 285_000, durationMs: 30 },
    )
  const age = (minutes: number) =>
    database().execute(sql`update boot_events set at = at - ${minutes} * interval '1 minute' where boot_id is null`)
  const timeline = async (key: string, query = '') =>
    (await api.ask('GET', `/api/v1/machines/${key}/timeline${query}`)).body
  const stagesOf = ({ lines }: { lines: { stage: string; kind?: string }[] }) =>
    lines.map(({ stage, kind }) => (kind === undefined ? stage : `${stage} ${kind}`))

  test('joins DHCP, TFTP, the script and reports, by its MAC, its name, its id and its address', async () => {
    const machine = (await api.ask('PUT', `/api/v1/machines/${mac}`, { hostname: 'web1' })).body
    await firmware(mac, ip)
    const { id, token } = await openBootFor(database(), { mac, platform: 'efi', buildarch: 'x86_64' }, ip)
    await recordReport(database(), token, 'booted', ip, 'up')
    const found = await timeline(mac)
    expect(found).toMatchObject({ machine: { id: machine.id, hostname: 'web1' }, macs: [mac], addresses: [ip] })
    expect(found.attempts).toHaveLength(1)
    expect(found.attempts[0]).toMatchObject({ boot: { id, outcome: 'booted' }, gaps: [] })
    expect(stagesOf(found.attempts[0])).toEqual([
      'dhcp offered',
      'dhcp accepted',
      'dhcp answered',
      'nbp',
      'script',
      'booted',
    ])
    for (const key of ['web1', machine.id, ip]) expect((await timeline(key)).attempts).toEqual(found.attempts)
  })

  test('names a gap of a MAC that never became a machine, with TFTP by the address of its lease', async () => {
    await firmware(stranger, ip)
    await record({ stage: 'nbp', ip, file: 'snponly.efi', bytes: 285_000, durationMs: 30 })
    await age(30)
    await firmware(mac, ip)
    const found = await timeline(stranger)
    expect(found).toMatchObject({ macs: [stranger], addresses: [ip] })
    expect(found.machine).toBeUndefined()
    expect(found.attempts).toHaveLength(1)
    expect(found.attempts[0].lines.map(({ stage, times }: { stage: string; times: number }) => [stage, times])).toEqual(
      [
        ['dhcp', 1],
        ['dhcp', 1],
        ['dhcp', 1],
        ['nbp', 2],
      ],
    )
    expect(found.attempts[0].gaps).toEqual([
      {
        at: expect.any(String),
        code: 'BW-IPXE-LOOP',
        text: expect.stringContaining('fetched snponly.efi twice, and never asked for /boot.ipxe'),
        title: 'iPXE gets its own boot program instead of a script',
      },
    ])
    expect((await timeline(ip)).macs.toSorted()).toEqual([mac, stranger])
  })

  test('has pages and windows, and an empty answer for what was never seen', async () => {
    for (let n = 0; n < 5; n++) await openBootFor(database(), { mac, platform: 'efi' }, ip)
    const first = await timeline(mac, '?limit=2')
    expect(first.attempts).toHaveLength(2)
    const second = await timeline(mac, `?limit=3&before=${first.next}`)
    expect(second.attempts).toHaveLength(3)
    expect(second.next).toBeUndefined()
    const ids = [...first.attempts, ...second.attempts].map(({ boot }) => boot.id)
    expect(new Set(ids).size).toBe(5)
    expect((await timeline(mac, '?since=2099-01-01T00:00:00Z')).attempts).toEqual([])
    expect(await timeline(stranger)).toEqual({ macs: [stranger], addresses: [], attempts: [] })
    expect(await timeline('192.0.2.99')).toEqual({ macs: [], addresses: ['192.0.2.99'], attempts: [] })
    expect((await api.ask('GET', '/api/v1/machines/no-such-host/timeline')).status).toBe(404)
  })
})
