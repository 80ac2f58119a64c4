import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Api, addFile, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const mac = '52-54-00-12-34-56'

eachDatabase('dry runs over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  beforeEach(async () => {
    const kernel = await addFile(api, 'vmlinuz', 'kernel')
    await api.ask('PUT', '/api/v1/images/debian', {
      variants: [{ arch: 'x86_64', kind: 'linux', kernel, initrds: [], args: [] }],
    })
    await api.ask('PUT', `/api/v1/machines/${mac}`, { labels: { rack: 'b4' } })
  })
  afterAll(() => api.remove())

  const active = async () => (await api.ask('GET', '/api/v1/deployments?state=active')).body.items.length

  test.each(['?dryRun=true', ''])('are asked for in the query %j or in the body', async (query) => {
    const dryRun = query === '' ? { dryRun: true } : {}
    const order = { image: 'debian', ...dryRun }
    const one = await api.ask('POST', `/api/v1/deployments${query}`, { machine: mac, ...order })
    expect(one).toMatchObject({ status: 200, body: { concerns: { applied: false, machines: 1 } } })
    const many = await api.ask('POST', `/api/v1/deployments/bulk${query}`, { filter: { label: ['rack=b4'] }, ...order })
    expect(many).toMatchObject({ status: 200, body: { concerns: { applied: false, machines: 1 } } })
    const deleted = await api.ask('POST', `/api/v1/machines/actions${query}`, {
      ...{ filter: { label: ['rack=b4'] }, action: { delete: true } },
      ...dryRun,
    })
    expect(deleted).toMatchObject({ status: 200, body: { applied: false, changed: 1 } })
    expect(await active()).toBe(0)
  })

  test('in the query need no body where the body is optional', async () => {
    const { body } = await api.ask('POST', '/api/v1/deployments', { machine: mac, image: 'debian' })
    const gc = await api.app.request('/api/v1/files/gc?dryRun=true', { method: 'POST' })
    expect(await gc.text()).toContain('"dryRun":true')
    const cancelled = await api.ask('POST', `/api/v1/deployments/${body.id}/cancel?dryRun=true`)
    expect(cancelled.body).toMatchObject({ state: 'cancelled', concerns: { applied: false, machines: 1 } })
    expect(await active()).toBe(1)
    await api.ask('POST', `/api/v1/deployments/${body.id}/cancel`)
    expect(await active()).toBe(0)
  })

  test('are refused by a change without dry run, which then changes nothing', async () => {
    const path = `/api/v1/machines/${mac}/secrets/password`
    const put = await api.ask('PUT', `${path}?dryRun=true`, { value: 'geheim' })
    expect(put.status).toBe(422)
    expect(put.body.detail).toBe('unknown field "dryRun"; expected nothing')
    expect((await api.ask('GET', `/api/v1/machines/${mac}/secrets`)).body.items).toEqual([])
  })
})
