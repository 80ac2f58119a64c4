import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { machinePower } from '../../../src/db/schema/machines.ts'
import { createToken } from '../../../src/inventory/access/tokens.ts'
import { openPassword } from '../../../src/inventory/machines/power/settings.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const machine = '/api/v1/machines/52-54-00-00-00-01'
const redfish = { kind: 'redfish', url: '10.0.9.17', username: 'root', password: 'calvin-7c1f' }

eachDatabase('power of machines', (database) => {
  let api: Api
  let woken = 0
  beforeAll(async () => {
    api = await openApi(database(), { power: { wake: () => void woken++ } })
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    woken = 0
    await api.ask('PUT', machine, { hostname: 'node1', labels: { rack: 'b4' } })
    await api.ask('PUT', '/api/v1/machines/52-54-00-00-00-02', { hostname: 'node2', labels: { rack: 'b4' } })
    await api.ask('PUT', '/api/v1/machines/52-54-00-00-00-03', { hostname: 'node3', labels: { rack: 'b4' } })
  })

  test('is set with a sealed password that no answer and no change shows', async () => {
    const set = await api.ask('PUT', `${machine}/power`, redfish)
    expect(set.status).toBe(201)
    expect(set.body).toEqual({
      ...{ kind: 'redfish', url: 'https://10.0.9.17', username: 'root', verifyTls: true, checkIdentity: true },
      ...{ actions: ['on', 'off', 'cycle', 'state'], bootsFromNetwork: true, revision: 1 },
      ...{ createdAt: expect.any(String), updatedAt: expect.any(String) },
    })
    const [row] = await database().select().from(machinePower)
    expect(JSON.stringify(row)).not.toContain('calvin')
    expect(row && openPassword(api.deps.sealer, row)).toBe('calvin-7c1f')
    const texts = [await api.ask('GET', `${machine}/power`), await api.ask('GET', '/api/v1/changes'), ...api.logged]
    expect(JSON.stringify(texts)).not.toContain('calvin')
    expect((await api.ask('GET', '/api/v1/changes?type=power.set')).body.items[0].after).toMatchObject({
      url: 'https://10.0.9.17',
    })
  })

  test('keeps its password for the same URL and user only', async () => {
    await api.ask('PUT', `${machine}/power`, redfish)
    const { password: _, ...without } = redfish
    const kept = await api.ask('PUT', `${machine}/power`, {
      ...without,
      system: '1',
      verifyTls: `${'AB:'.repeat(31)}AB`,
    })
    expect([kept.status, kept.body.verifyTls, kept.body.revision]).toEqual([200, 'ab'.repeat(32), 2])
    for (const change of [{ url: '10.0.9.18' }, { url: 'http://10.0.9.17' }, { username: 'admin' }]) {
      const refused = await api.ask('PUT', `${machine}/power`, { ...without, ...change })
      expect([refused.status, refused.body.errors[0].field]).toEqual([422, 'password'])
    }
    const [row] = await database().select().from(machinePower)
    const moved = row && { ...row, setting: { ...row.setting, url: 'https://192.0.2.66' } as never }
    // Also a row that was changed in the database sends the password to no other host.
    expect(() => moved && openPassword(api.deps.sealer, moved)).toThrow()
  })

  test.each<[string, unknown, string]>([
    ['a path', { ...redfish, url: 'https://10.0.9.17/redfish' }, 'url'],
    ['a user in the URL', { ...redfish, url: 'https://root:x@10.0.9.17' }, 'url'],
    ['another scheme', { ...redfish, url: 'ftp://10.0.9.17' }, 'url'],
    ['a fingerprint that is too short', { ...redfish, verifyTls: 'ab:cd' }, 'verifyTls'],
    ['a path of another host', { ...redfish, system: '//192.0.2.1/x' }, 'system'],
    ['a colon in the user name', { ...redfish, username: 'a:b' }, 'username'],
    ['fields of another kind', { kind: 'wake-on-lan', url: '10.0.9.17' }, 'url'],
    ['an unknown kind', { kind: 'ipmi' }, 'kind'],
  ])('refuses %s', async (_, body, field) => {
    const refused = await api.ask('PUT', `${machine}/power`, body)
    expect([refused.status, refused.body.errors?.[0]?.field]).toEqual([422, field])
    expect(JSON.stringify(refused.body)).not.toContain('calvin')
  })

  test('is removed, also with its machine', async () => {
    await api.ask('PUT', `${machine}/power`, redfish)
    expect((await api.ask('DELETE', `${machine}/power`)).status).toBe(204)
    expect((await api.ask('GET', `${machine}/power`)).status).toBe(404)
    await api.ask('PUT', `${machine}/power`, redfish)
    await api.ask('DELETE', machine)
    expect(await database().select().from(machinePower)).toEqual([])
  })

  test('goes to the machine that another is merged into, if that has none', async () => {
    await api.ask('PUT', '/api/v1/machines/52-54-00-00-00-02/power', redfish)
    await api.ask('POST', `${machine}/merge`, { from: 'node2' })
    expect((await api.ask('GET', `${machine}/power`)).body.url).toBe('https://10.0.9.17')
    const [row] = await database().select().from(machinePower)
    expect(row && openPassword(api.deps.sealer, row)).toBe('calvin-7c1f')
  })

  test('is asked for once at a time, recorded, and begun at once', async () => {
    await api.ask('PUT', `${machine}/power`, redfish)
    const asked = await api.ask('POST', `${machine}/power`, { action: 'cycle', network: true })
    expect([asked.status, asked.body.state, asked.body.action]).toEqual([202, 'waiting', 'cycle'])
    await expect.poll(() => woken).toBe(1)
    const again = await api.ask('POST', `${machine}/power`, { action: 'off' })
    expect([again.status, again.body.detail]).toEqual([
      409,
      'machine node1: another power request of the machine has not ended',
    ])
    expect((await api.ask('GET', asked.headers.get('location') ?? '')).body).toMatchObject({
      machine: 'node1',
      state: 'waiting',
    })
    expect((await api.ask('GET', '/api/v1/changes?type=power.requested')).body.items).toHaveLength(1)
    expect((await api.ask('GET', `${machine}/power`)).body.last).toMatchObject({ id: asked.body.id })
    const cancelled = await api.ask('POST', '/api/v1/power-requests/cancel', { id: asked.body.id })
    expect(cancelled.body.cancelled).toMatchObject([{ state: 'cancelled', machine: 'node1' }])
    expect((await api.ask('POST', '/api/v1/power-requests/cancel', { id: asked.body.id })).status).toBe(409)
    expect((await api.ask('POST', `${machine}/power`, { action: 'off' })).status).toBe(202)
  })

  test('is refused for a machine without a setting, or of a kind that cannot do it', async () => {
    expect((await api.ask('POST', `${machine}/power`, { action: 'on' })).body.detail).toContain(
      'the machine has no power setting',
    )
    await api.ask('PUT', `${machine}/power`, { kind: 'wake-on-lan' })
    for (const [order, why] of [
      [{ action: 'cycle' }, 'wake-on-lan can only do: on'],
      [{ action: 'on', network: true }, 'wake-on-lan cannot choose the boot device'],
    ] as const) {
      const { status, body } = await api.ask('POST', `${machine}/power`, order)
      expect([status, body.detail]).toEqual([409, expect.stringContaining(why)])
    }
    for (const order of [{ action: 'off', network: true }, { action: 'on', force: true }, { action: 'explode' }])
      expect((await api.ask('POST', `${machine}/power`, order)).status).toBe(422)
    expect((await api.ask('GET', '/api/v1/power-requests')).body.items).toEqual([])
    expect(woken).toBe(0)
  })

  test('of many machines is previewed, and requested for the expected number only', async () => {
    await api.ask('PUT', `${machine}/power`, { kind: 'wake-on-lan' })
    await api.ask('PUT', '/api/v1/machines/52-54-00-00-00-02/power', redfish)
    const order = { selector: [{ label: 'rack', equals: 'b4' }], action: 'on' }
    const ask = (body: object) => api.ask('POST', '/api/v1/machines/power', body)
    const preview = (await ask({ ...order, dryRun: true })).body
    expect(preview.requested.map(({ machine }: { machine: string }) => machine)).toEqual(['node1', 'node2'])
    expect(preview.skipped).toMatchObject([{ machine: 'node3', why: expect.stringContaining('no power setting') }])
    expect((await ask({ ...order, expect: 3 })).status).toBe(409)
    expect((await api.ask('GET', '/api/v1/power-requests')).body.items).toEqual([])
    const { batch } = (await ask({ ...order, expect: 2 })).body
    expect((await api.ask('GET', `/api/v1/power-requests?batch=${batch}`)).body.items).toHaveLength(2)
    expect((await ask(order)).body.requested).toEqual([])
    expect((await api.ask('POST', '/api/v1/power-requests/cancel', { batch })).body.cancelled).toHaveLength(2)
    expect((await ask({ ...order, ids: [] })).status).toBe(422)
  })

  test('is for operators, its setting for admins, and both for the machines of a token only', async () => {
    await api.ask('PUT', `${machine}/power`, { kind: 'wake-on-lan' })
    const own = await openApi(database(), { trusted: false })
    const ask = async (
      role: 'viewer' | 'operator' | 'admin',
      method: string,
      path: string,
      body: object,
      scope?: Record<string, string>,
    ) => {
      const { token } = await createToken(database(), role + Math.random(), 'tester', { role, ...(scope && { scope }) })
      return (await own.ask(method, path, body, { authorization: `Bearer ${token}` })).status
    }
    expect(await ask('viewer', 'POST', `${machine}/power`, { action: 'on' })).toBe(403)
    expect(await ask('operator', 'PUT', `${machine}/power`, { kind: 'wake-on-lan' })).toBe(403)
    expect(await ask('admin', 'PUT', `${machine}/power`, { kind: 'wake-on-lan' }, { rack: 'c1' })).toBe(404)
    expect(await ask('operator', 'POST', `${machine}/power`, { action: 'on' }, { rack: 'c1' })).toBe(404)
    expect(await ask('operator', 'POST', `${machine}/power`, { action: 'on' }, { rack: 'b4' })).toBe(202)
    await own.remove()
  })
})
