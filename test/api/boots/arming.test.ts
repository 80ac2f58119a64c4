import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, addFile, openApi } from '../../helpers/api.ts'
import { decideFor, openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'
import { recordReport } from '../../helpers/reports.ts'

const path = '/api/v1/deployments'
const macOf = (n: number) => `52:54:00:7a:00:0${n}`
const uuids = ['4c4c4544-0051-3610-8052-b2c04f575931', '4c4c4544-0051-3610-8052-b2c04f575932'] as const
const ip = '192.0.2.31'

eachDatabase('arming', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    const kernel = await addFile(api, 'vmlinuz', 'a kernel')
    const variant = { kind: 'linux' as const, arch: 'x86_64' as const, kernel, initrds: [], args: [] }
    await saveImage(database(), 'rocky', { variants: [variant], installer: true }, {}, 'tester')
  })

  const seen = async (n: number, more: object) => {
    const facts = { mac: macOf(n), product: 'R640', ...more }
    const { machine } = await decideFor(database(), facts)
    if (machine === undefined) await recordDiscovered(database(), facts, { max: 10, maxPerAddress: 10 })
    return openBootFor(database(), facts, ip)
  }
  const arm = (n: number, more: object = {}) => api.ask('POST', path, { machine: macOf(n), image: 'rocky', ...more })
  const armAll = async (more: object = {}) => {
    const selector = [{ fact: 'product', equals: 'R640' }]
    return (await api.ask('POST', `${path}/bulk`, { selector, image: 'rocky', ...more })).body
  }

  test.each<[string, object, object, number]>([
    ['one UUID', { uuid: uuids[0] }, { uuid: uuids[0] }, 1],
    ['one UUID in the other byte order', { uuid: uuids[0] }, { uuid: '44454c4c-5100-1036-8052-b2c04f575931' }, 1],
    ['one serial', { serial: 'CN77' }, { serial: 'CN77' }, 1],
    ['one UUID, where only one tells its serial', { uuid: uuids[0], serial: 'CN77' }, { uuid: uuids[0] }, 1],
    ['two UUIDs', { uuid: uuids[0] }, { uuid: uuids[1] }, 2],
    ['one UUID and two serials', { uuid: uuids[0], serial: 'CN77' }, { uuid: uuids[0], serial: 'CN78' }, 2],
    ['one serial and two UUIDs', { uuid: uuids[0], serial: 'CN77' }, { uuid: uuids[1], serial: 'CN77' }, 2],
    ['a placeholder', { serial: 'Default string' }, { serial: 'Default string' }, 2],
    ['nothing', {}, {}, 2],
  ])('counts the duplicates among two discovered machines that report %s', async (_, first, second, armed) => {
    await seen(1, first)
    await seen(2, second)
    for (const dryRun of [true, false]) {
      const done = await armAll({ dryRun })
      expect(done.armed.length).toBe(armed)
      expect(done.skipped.map((item: { why: string }) => item.why)).toEqual(
        armed === 2
          ? []
          : [
              expect.stringMatching(
                /is probably the same machine as 52:54:00:7a:00:0[12], which is armed with it; .*machine merge 52:54:00:7a:00:0[12] --from 52:54:00:7a:00:0[12]$/,
              ),
            ],
      )
    }
  })

  test('is refused for the second network card of an installed machine, unless it is forced', async () => {
    await seen(1, { uuid: uuids[0] })
    await seen(2, { uuid: uuids[0] })
    expect((await arm(1)).status).toBe(201)
    const { token } = await seen(1, { uuid: uuids[0] })
    for (const report of ['ready', 'installed'] as const) {
      expect(await arm(2)).toMatchObject({
        status: 409,
        body: {
          detail: expect.stringMatching(
            /02 is not armed with rocky: .*machine merge 52:54:00:7a:00:01 --from 52:54:00:7a:00:02.*force/,
          ),
        },
      })
      expect((await armAll()).armed).toEqual([])
      await recordReport(database(), token, report, ip, undefined)
    }
    expect((await arm(2)).status).toBe(409)
    // The machine itself may be installed again, and two entered machines are not duplicates.
    expect((await arm(1)).status).toBe(201)
    expect((await arm(2, { force: true })).status).toBe(201)
    await api.ask('POST', `${path}/cancel`, { selector: [{ fact: 'product', equals: 'R640' }] })
    expect((await armAll()).armed.length).toBe(2)
  })

  test('is refused with the reason if the identity of the machine is uncertain', async () => {
    await api.ask('PUT', `/api/v1/machines/${macOf(3)}`, { hostname: 'h3', serial: 'LABEL-9', labels: { rack: 'r9' } })
    await seen(3, { serial: 'BOARD-1' })
    const why = /this may not be h3: .*serial LABEL-9 was entered, but the machine reports BOARD-1.*--clear-serial/
    expect(await arm(3)).toMatchObject({ status: 409, body: { detail: expect.stringMatching(why) } })
    for (const dryRun of [true, false]) {
      const { armed, skipped } = await armAll({ dryRun, selector: [{ label: 'rack', equals: 'r9' }] })
      expect([armed, skipped]).toMatchObject([[], [{ machine: 'h3', why: expect.stringMatching(why) }]])
    }
    await api.ask('PATCH', `/api/v1/machines/${macOf(3)}`, { serial: null })
    expect((await arm(3)).status).toBe(201)
    const facts = { mac: macOf(3), product: 'R640', serial: 'BOARD-1' }
    expect((await decideFor(database(), facts)).deployment?.attempt).toBe(1)
  })
})
