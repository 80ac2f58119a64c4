import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordReport } from '../../helpers/reports.ts'

const mac = '52:54:00:12:34:56'
const ip = '192.0.2.7'
const unknown = '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f'

eachDatabase('strips of machines', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  const addMachine = async (address: string): Promise<string> =>
    (await api.ask('PUT', `/api/v1/machines/${address}`, {})).body.id
  const boot = (address: string) => openBootFor(database(), { mac: address, platform: 'efi', buildarch: 'x86_64' }, ip)
  const strips = async (...ids: string[]) => api.ask('GET', `/api/v1/machines/strips?ids=${ids.join(',')}`)

  test('have the last ten boots of each machine, newest first, in the order of the ids', async () => {
    const busy = await addMachine(mac)
    const quiet = await addMachine('52:54:00:12:34:57')
    const all: string[] = []
    for (let count = 0; count < 12; count++) {
      const { id, token } = await boot(mac)
      all.unshift(id)
      await recordReport(database(), token, 'booted', ip, `boot ${count}`)
    }
    const { status, body } = await strips(unknown, quiet, busy)
    expect(status).toBe(200)
    expect(body.items.map(({ machineId }: { machineId: string }) => machineId)).toEqual([unknown, quiet, busy])
    expect(body.items[0].boots).toEqual([])
    expect(body.items[1].boots).toEqual([])
    expect(body.items[2].boots.map(({ id }: { id: string }) => id)).toEqual(all.slice(0, 10))
    expect(body.items[2].boots[0]).toEqual({
      id: all[0],
      outcome: 'booted',
      stage: 'booted',
      startedAt: expect.any(String),
      durationMs: expect.any(Number),
      message: 'boot 11',
    })
  })

  test('name the cause of a failure, and have no duration while a boot runs', async () => {
    const machine = await addMachine(mac)
    const { token } = await boot(mac)
    await recordReport(database(), token, 'failed', ip, 'iPXE: kernel failed, error 2d0c613b')
    await boot(mac)
    const [open, failed] = (await strips(machine)).body.items[0].boots
    expect(open).toMatchObject({ stage: 'script' })
    expect(Object.keys(open)).toEqual(['id', 'stage', 'startedAt'])
    expect(failed).toMatchObject({ outcome: 'failed', failure: { code: '2d0c613b' }, durationMs: expect.any(Number) })
  })

  test('name the active deployment of a machine', async () => {
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const [busy, quiet] = [await addMachine(mac), await addMachine('52:54:00:12:34:57')]
    const arm = (machine: string) => api.ask('POST', '/api/v1/deployments', { machine, image: 'debian', force: true })
    const armed = (await arm(busy)).body
    const ended = (await arm(quiet)).body
    await api.ask('POST', `/api/v1/deployments/${ended.id}/cancel`)
    const { items } = (await strips(busy, quiet)).body
    expect(items).toEqual([
      { machineId: busy, boots: [], deployment: { id: armed.id, image: 'debian', state: 'armed' } },
      { machineId: quiet, boots: [] },
    ])
  })

  test('measure a stalled boot up to its last stage', async () => {
    const machine = await addMachine(mac)
    const { id } = await boot(mac)
    await database().execute(
      sql`update boots set outcome = 'stalled', moved_at = started_at + interval '7 seconds' where id = ${id}`,
    )
    expect((await strips(machine)).body.items[0].boots[0]).toMatchObject({ outcome: 'stalled', durationMs: 7000 })
  })

  test('refuse anything but a list of up to 100 ids', async () => {
    for (const ids of [
      '',
      'nonsense',
      Array.from({ length: 101 }, (_, n) => unknown.slice(0, -3) + String(100 + n)).join(','),
    ])
      expect((await strips(ids)).status).toBe(422)
    expect((await api.ask('GET', '/api/v1/machines/strips')).status).toBe(422)
  })
})
