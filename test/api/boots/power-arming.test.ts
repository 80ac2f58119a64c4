import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const macOf = (n: number) => `52-54-00-00-03-0${n}`
const redfish = { kind: 'redfish', url: '10.0.9.17', username: 'root', password: 'calvin-7c1f' }

eachDatabase('deployments with power', (database) => {
  let api: Api
  let woken = 0
  beforeAll(async () => {
    api = await openApi(database(), { power: { wake: () => void woken++ } })
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    woken = 0
    await saveImage(database(), 'disk', { variants: [{ arch: 'x86_64', kind: 'local' }] }, {}, 'tester')
    for (const n of [1, 2, 3]) await api.ask('PUT', `/api/v1/machines/${macOf(n)}`, { hostname: `node${n}` })
    await api.ask('PUT', `/api/v1/machines/${macOf(1)}/power`, redfish)
    await api.ask('PUT', `/api/v1/machines/${macOf(2)}/power`, { kind: 'wake-on-lan' })
  })
  const requests = async () => (await api.ask('GET', '/api/v1/power-requests')).body.items
  const many = (body: object) =>
    api.ask('POST', '/api/v1/deployments/bulk', { filter: { q: 'node' }, image: 'disk', force: true, ...body })

  test('request a network boot where the kind of power can choose it', async () => {
    const { body } = await many({ power: 'on' })
    expect(body.armed.map(({ machine }: { machine: string }) => machine)).toEqual(['node1', 'node2'])
    expect(body.skipped).toMatchObject([{ machine: 'node3', why: expect.stringContaining('no power setting') }])
    const made = await requests()
    expect(made).toMatchObject([
      { machine: 'node2', action: 'on', network: false, batch: body.batch },
      { machine: 'node1', action: 'on', network: true, batch: body.batch },
    ])
    expect(made.map((request: { deploymentId: string }) => request.deploymentId).sort()).toEqual(
      body.armed.map(({ id }: { id: string }) => id).sort(),
    )
    await expect.poll(() => woken).toBe(1)
  })

  test('power nothing in a preview, and nothing without being asked', async () => {
    const preview = await many({ power: 'cycle', dryRun: true })
    expect(preview.body.armed).toHaveLength(1)
    expect(preview.body.skipped).toMatchObject([
      { machine: 'node2', why: 'wake-on-lan can only do: on' },
      { machine: 'node3', why: expect.stringContaining('no power setting') },
    ])
    await many({})
    expect([await requests(), woken]).toEqual([[], 0])
  })

  test('arm nothing if the power is busy, or cannot do it', async () => {
    const arm = (machine: string, power: string) =>
      api.ask('POST', '/api/v1/deployments', { machine, image: 'disk', force: true, power })
    await api.ask('POST', `/api/v1/machines/${macOf(1)}/power`, { action: 'state' })
    for (const [machine, power, why] of [
      ['node1', 'cycle', 'another power request of the machine has not ended'],
      ['node2', 'cycle', 'wake-on-lan can only do: on'],
      ['node3', 'on', 'the machine has no power setting'],
    ] as const) {
      const { status, body } = await arm(machine, power)
      expect([status, body.detail]).toEqual([409, expect.stringContaining(`machine ${machine} is not armed: ${why}`)])
    }
    expect((await api.ask('GET', '/api/v1/deployments')).body.items).toEqual([])
    expect((await arm('node2', 'off')).status).toBe(422)
    const armed = await arm('node2', 'on')
    expect([armed.status, armed.body.power]).toMatchObject([201, { action: 'on', state: 'waiting' }])
    expect((await api.ask('GET', `/api/v1/deployments/${armed.body.id}`)).body.power).toMatchObject({
      state: 'waiting',
    })
  })
})
