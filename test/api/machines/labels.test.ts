import { afterAll, beforeAll, expect, test } from 'vitest'
import { createToken } from '../../../src/inventory/access/tokens.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('GET /machines/labels', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database(), { trusted: false })
  })
  afterAll(() => api.remove())

  test('counts the machines of each label and value, most used first, in the scope of a token', async () => {
    const all = [{ rack: 'a', site: 'x' }, { rack: 'a', site: 'x' }, { rack: 'b', site: 'x' }, { rack: 'c' }, {}]
    const admin = { authorization: `Bearer ${(await createToken(database(), 'admin', 'tester')).token}` }
    for (const [n, labels] of all.entries())
      await api.ask('PUT', `/api/v1/machines/52:54:00:00:03:0${n}`, { labels }, admin)
    const whole = await api.ask('GET', '/api/v1/machines/labels?values=2', undefined, admin)
    expect(whole.body.items).toEqual([
      {
        key: 'rack',
        machines: 4,
        values: [
          { value: 'a', machines: 2 },
          { value: 'b', machines: 1 },
        ],
      },
      { key: 'site', machines: 3, values: [{ value: 'x', machines: 3 }] },
    ])
    const { token } = await createToken(database(), 'rack a', 'tester', { role: 'viewer', scope: { rack: 'a' } })
    const scoped = await api.ask('GET', '/api/v1/machines/labels', undefined, { authorization: `Bearer ${token}` })
    expect(scoped.body.items.map(({ key, machines }: { key: string; machines: number }) => [key, machines])).toEqual([
      ['rack', 2],
      ['site', 2],
    ])
  })
})
