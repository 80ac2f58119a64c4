import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listBoots } from '../../../src/inventory/boots/boots.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { recordConflict } from '../../../src/inventory/machines/identity/conflicts.ts'
import { findMachine } from '../../../src/inventory/machines/machines.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { decideFor, openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { openSecrets } from '../../helpers/secrets.ts'

const [a, b] = ['52:54:00:00:00:0a', '52:54:00:00:00:0b']
const uuid = '4c4c4544-0042-3510-8054-b7c04f4e3332'
const pathOf = (key: string) => `/api/v1/machines/${key}`

eachDatabase('two records of one machine', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const merge = (into: string, from: string) => api.ask('POST', `${pathOf(into)}/merge`, { from })

  test('are merged with the MACs, boots, deployments, secrets and ids of both', async () => {
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const one = (await api.ask('PUT', pathOf(a), { hostname: 'web1', labels: { rack: 'b4', x: '1' } })).body
    const two = (await api.ask('PUT', pathOf(b), { hostname: 'web2', serial: 'S2', labels: { rack: 'b5', y: '2' } }))
      .body
    for (const [mac, name] of [
      [a, 'own'],
      [b, 'own'],
      [b, 'other'],
    ] as const)
      await api.ask('PUT', `${pathOf(mac)}/secrets/${name}`, { value: `${name} of ${mac}` })
    await openBootFor(database(), { mac: a }, '192.0.2.1')
    await openBootFor(database(), { mac: b }, '192.0.2.2')
    await api.ask('POST', '/api/v1/deployments', { machine: b, image: 'debian' })

    const { status, body } = await merge(a, b)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: one.id,
      macs: [a, b],
      hostname: 'web1',
      serial: 'S2',
      labels: { rack: 'b4', x: '1', y: '2' },
      revision: 2,
    })
    for (const key of [two.id, one.id, a, b]) expect((await api.ask('GET', pathOf(key))).body.id).toBe(one.id)
    expect((await listBoots(database(), { machineId: one.id }, 10)).map((boot) => boot.mac).sort()).toEqual([a, b])
    expect((await api.ask('GET', `/api/v1/deployments?machine=${a}`)).body.items.length).toBe(1)
    expect(await openSecrets(database(), api.deps.sealer, one.id, [])).toEqual({
      own: `own of ${a}`,
      other: `other of ${b}`,
    })
    const { items } = (await api.ask('GET', '/api/v1/changes?type=machine')).body
    expect(items.slice(0, 2).map((change: { type: string; subject: string }) => [change.type, change.subject])).toEqual(
      [
        ['machine.deleted', two.id],
        ['machine.merged', one.id],
      ],
    )
  })

  test('are found by their ids after several merges', async () => {
    const ids = []
    for (const last of ['01', '02', '03'])
      ids.push((await api.ask('PUT', pathOf(`52:54:00:00:00:${last}`), {})).body.id)
    await merge(ids[1], ids[0])
    await merge(ids[2], ids[1])
    for (const id of ids) expect((await findMachine(database(), { id }))?.id).toBe(ids[2])
  })

  test('are not merged with themselves, with an unknown machine, or while both are being installed', async () => {
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    for (const mac of [a, b]) {
      await api.ask('PUT', pathOf(mac), {})
      await api.ask('POST', '/api/v1/deployments', { machine: mac, image: 'debian' })
    }
    expect((await merge(a, a)).status).toBe(422)
    expect((await merge(a, '52:54:00:00:00:0c')).status).toBe(404)
    expect((await merge('52:54:00:00:00:0c', a)).status).toBe(404)
    expect((await merge(a, b)).status).toBe(409)
    expect((await api.ask('GET', pathOf(b))).body.macs).toEqual([b])
  })

  test.each([
    ['cancelled', a, b],
    ['installed', a, b],
    ['cancelled', b, a],
    ['installed', b, a],
  ])(
    'install by the active deployment of either record, even if a newer deployment was %s (%s from %s)',
    async (state, into, from) => {
      await saveImage(
        database(),
        'alpine',
        {
          variants: [{ kind: 'sanboot', arch: 'x86_64', target: 'iscsi:192.0.2.1::::iqn.2026-01.org.example:x' }],
        },
        {},
        'tester',
      )
      for (const mac of [a, b]) await api.ask('PUT', pathOf(mac), {})
      const arm = async (machine: string) =>
        (await api.ask('POST', '/api/v1/deployments', { machine, image: 'alpine' })).body.id
      const active = await arm(a)
      const ended = await arm(b)
      await database().execute(sql`update deployments set state = ${state}, ended_at = now() where id = ${ended}`)
      expect((await merge(into, from)).status).toBe(200)
      for (const mac of [a, b]) expect((await decideFor(database(), { mac })).deployment?.id).toBe(active)
    },
  )

  test('are listed and counted as a conflict until they are merged', async () => {
    const serial = { serial: '7X06', product: 'P' }
    const one = (await api.ask('POST', '/api/v1/machines', { hostname: 'web1', uuid })).body
    const two = (await api.ask('POST', '/api/v1/machines', { hostname: 'web2', ...serial })).body
    const facts = { mac: a, uuid, ...serial }
    const decision = await decideFor(database(), facts)
    expect(decision.spec).toMatchObject({ kind: 'refusal', reason: expect.stringContaining('web1 by UUID') })
    const claimants = [await findMachine(database(), { id: one.id }), await findMachine(database(), { id: two.id })]
    for (let times = 0; times < 3; times++) await recordConflict(database(), claimants as never, facts)
    const conflicts = async () => (await api.ask('GET', '/api/v1/conflicts')).body.items
    expect(await conflicts()).toMatchObject([{ times: 3, facts, machines: [{ name: 'web1' }, { name: 'web2' }] }])
    await merge(one.id, two.id)
    expect(await conflicts()).toEqual([])
    expect((await decideFor(database(), facts)).spec.kind).toBe('local')
  })
})
