import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordReport } from '../../helpers/reports.ts'

const path = '/api/v1/deployments'
const macOf = (n: number) => `52:54:00:00:01:${String(n).padStart(2, '0')}`

eachDatabase('a batch of deployments', (database) => {
  let api: Api
  let ids: string[]
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    ids = []
    for (let n = 0; n < 10; n++) {
      const body = { hostname: `n${n}`, labels: { rack: n < 5 ? 'a' : 'b' } }
      ids.push((await api.ask('PUT', `/api/v1/machines/${macOf(n)}`, body)).body.id)
    }
  })
  const arm = async (body: object) => (await api.ask('POST', `${path}/bulk`, { image: 'debian', ...body })).body
  const armedIds = (answer: { armed: { machineId: string }[] }) => answer.armed.map(({ machineId }) => machineId).sort()
  const fail = async (n: number) => {
    const facts = { mac: macOf(n), platform: 'efi', buildarch: 'x86_64' } as const
    const { token } = await openBootFor(database(), facts, '192.0.2.1')
    await recordReport(database(), token, 'ready', '192.0.2.1', undefined)
    await recordReport(database(), token, 'failed', '192.0.2.1', 'no disk')
  }

  test('is armed for ids, or for the filter of a list', async () => {
    const some = ids.slice(0, 2)
    expect(armedIds(await arm({ ids: some, dryRun: true }))).toEqual([...some].sort())
    expect(armedIds(await arm({ filter: { label: ['rack=b'], q: 'n' } }))).toEqual(ids.slice(5).sort())
    for (const body of [{ filter: {} }, {}, { ids: some, filter: { q: 'n' } }])
      expect((await api.ask('POST', `${path}/bulk`, { image: 'debian', ...body })).status).toBe(422)
  })

  test('is armed for a share; a larger share contains the smaller, and the others follow later', async () => {
    const filter = { q: 'n' }
    const small = armedIds(await arm({ filter, share: 25, dryRun: true }))
    const large = armedIds(await arm({ filter, share: 60, dryRun: true }))
    expect([small.length, large.length]).toEqual([3, 6])
    expect(large).toEqual(expect.arrayContaining(small))
    expect(armedIds(await arm({ filter: { q: 'n1' }, share: 1, dryRun: true }))).toHaveLength(1)
    const canary = await arm({ filter, share: 25 })
    await api.ask('POST', `${path}/cancel`, { batch: canary.batch })
    const others = await arm({ filter, exceptBatch: canary.batch })
    expect(armedIds(others)).toEqual(ids.filter((id) => !small.includes(id)).sort())
  })

  test('keeps the machines that its share left out, however they were chosen, without those that are armed since', async () => {
    const othersOf = async (batch: string) => (await api.ask('GET', `${path}/batches/${batch}`)).body.others
    for (const choice of [{ ids }, { filter: { q: 'n' } }, { selector: [{ label: 'rack', in: ['a', 'b'] }] }]) {
      const canary = await arm({ ...choice, share: 30 })
      expect(await othersOf(canary.batch), JSON.stringify(choice)).toBe(7)
      const more = await arm({ othersOf: canary.batch, share: 50 })
      expect([more.armed.length, await othersOf(canary.batch), await othersOf(more.batch)]).toEqual([4, 3, 3])
      // A batch of the others never reaches a machine of the shares before it.
      const rest = await arm({ othersOf: more.batch })
      const all = [canary, more, rest].flatMap(armedIds)
      expect(all.sort()).toEqual([...ids].sort())
      expect([await othersOf(canary.batch), await othersOf(rest.batch)]).toEqual([undefined, undefined])
      for (const { batch } of [canary, more, rest]) await api.ask('POST', `${path}/cancel`, { batch })
    }
  })

  test('is armed only if as many machines are free as the preview promised', async () => {
    const some = ids.slice(0, 3)
    expect(armedIds(await arm({ ids: some, dryRun: true, expect: 7 }))).toHaveLength(3)
    await arm({ ids: ids.slice(0, 1) })
    const late = await api.ask('POST', `${path}/bulk`, { image: 'debian', ids: some, expect: 3 })
    expect([late.status, late.body.detail]).toEqual([
      409,
      expect.stringContaining('2 machines would be armed now, not 3'),
    ])
    expect((await api.ask('GET', `${path}?state=active`)).body.items).toHaveLength(1)
    expect(armedIds(await arm({ ids: some, expect: 2 }))).toHaveLength(2)
  })

  test('installs the version that the order names, not the current one', async () => {
    const variants = [{ kind: 'local' as const, arch: 'x86_64' as const, platform: 'efi' as const }]
    await saveImage(database(), 'debian', { variants }, {}, 'tester')
    const { batch } = await arm({ ids: ids.slice(0, 1), version: 1 })
    expect((await api.ask('GET', `${path}/batches/${batch}`)).body.version).toBe(1)
    for (const body of [{ version: 3 }, { version: 1, follow: true }]) {
      const refused = await api.ask('POST', `${path}/bulk`, { image: 'debian', ids: ids.slice(1, 2), ...body })
      expect([refused.status, refused.body.errors[0].field]).toEqual([422, 'version'])
    }
  })

  test('is listed, newest first, with the number of machines in each state', async () => {
    const first = await arm({ ids: ids.slice(0, 3) })
    const second = await arm({ ids: ids.slice(5, 6), args: ['quiet'] })
    await fail(0)
    const expected = {
      batch: first.batch,
      image: 'debian',
      version: 1,
      armedBy: 'operator',
      createdAt: expect.any(String),
      machines: 3,
      states: { armed: 2, failed: 1 },
    }
    const all = (await api.ask('GET', `${path}/batches`)).body
    expect(all.items.map(({ batch }: { batch: string }) => batch)).toEqual([second.batch, first.batch])
    expect(all.items[1]).toEqual(expected)
    const page = (await api.ask('GET', `${path}/batches?limit=1`)).body
    expect((await api.ask('GET', `${path}/batches?limit=1&before=${page.next}`)).body).toEqual({ items: [expected] })
    expect((await api.ask('GET', `${path}/batches/${first.batch}`)).body).toEqual(expected)
    expect((await api.ask('GET', `${path}/batches/${ids[0]}`)).status).toBe(404)
  })

  test('retries the machines that failed, with the same order and in the same batch', async () => {
    const { batch } = await arm({ ids: ids.slice(0, 3), args: ['quiet'], maxAttempts: 1 })
    await fail(0)
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'i386' }] }, {}, 'tester')
    const retry = (body?: object) => api.ask('POST', `${path}/batches/${batch}/retry`, body)
    const preview = await retry({ dryRun: true })
    expect([preview.status, armedIds(preview.body)]).toEqual([200, [ids[0]]])
    expect((await api.ask('GET', `${path}/batches/${batch}`)).body.states).toEqual({ armed: 2, failed: 1 })
    const done = (await retry()).body
    expect([armedIds(done), done.batch]).toEqual([[ids[0]], batch])
    expect((await api.ask('GET', `${path}/${done.armed[0].id}`)).body).toMatchObject({
      batch,
      version: 1,
      args: ['quiet'],
      maxAttempts: 1,
      state: 'armed',
    })
    expect((await api.ask('GET', `${path}/batches/${batch}`)).body).toMatchObject({ machines: 3, states: { armed: 3 } })
    const failed = (query: string) => api.ask('GET', `${path}?batch=${batch}&state=failed${query}`)
    expect((await failed('')).body.items).toHaveLength(1)
    expect((await failed('&newest=true')).body.items).toEqual([])
    expect((await retry()).body).toEqual({ batch, armed: [], skipped: [] })
    expect((await api.ask('POST', `${path}/batches/${ids[0]}/retry`)).status).toBe(404)
  })
})
