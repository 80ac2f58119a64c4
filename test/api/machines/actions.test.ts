import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'

const path = '/api/v1/machines'
const actions = `${path}/actions`

eachDatabase('an action on many machines', (database) => {
  let api: Api
  let ids: string[]
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    ids = []
    for (const n of [1, 2, 3]) {
      const body = { hostname: `web${n}`, labels: { rack: n === 3 ? 'b5' : 'b4' } }
      ids.push((await api.ask('PUT', `${path}/52:54:00:00:00:0${n}`, body)).body.id)
    }
    const facts = { mac: '52:54:00:00:00:0d', platform: 'efi' } as const
    const found = await recordDiscovered(database(), facts, { max: 9, maxPerAddress: 9 })
    ids.push(found?.id ?? '')
  })
  const act = (body: object) => api.ask('POST', actions, body)
  const machine = async (name: string) => (await api.ask('GET', `${path}/${name}`)).body

  test('is previewed with the number of machines and their differences, and changes nothing then', async () => {
    const body = { filter: { label: 'rack=b4' }, action: { labels: { rack: 'c1', row: 'x' } } }
    const preview = await act({ ...body, dryRun: true })
    expect([preview.status, preview.body]).toEqual([
      200,
      {
        matched: 2,
        changed: 2,
        unchanged: 0,
        missing: 0,
        refused: [],
        examples: [1, 2].map((n) => ({
          id: ids[n - 1],
          machine: `web${n}`,
          differences: [
            { field: 'labels.rack', before: 'b4', after: 'c1' },
            { field: 'labels.row', after: 'x' },
          ],
        })),
        concerns: { applied: false, changes: [], checked: 2, machines: 0, more: false },
        applied: false,
      },
    ])
    expect((await machine('web1')).labels).toEqual({ rack: 'b4' })
    expect((await act({ ...body, expect: 2 })).body).toMatchObject({ changed: 2, applied: true })
    expect((await machine('web2')).labels).toEqual({ rack: 'c1', row: 'x' })
    const { items } = (await api.ask('GET', '/api/v1/changes?type=machine.changed')).body
    expect(items.map(({ actor, subject }: Record<string, string>) => [actor, subject])).toEqual([
      ['operator', ids[1]],
      ['operator', ids[0]],
    ])
  })

  test('changes nothing if another number of machines than expected would change', async () => {
    const refused = await act({ filter: { q: 'web' }, action: { deny: true }, expect: 2 })
    expect([refused.status, refused.body.detail]).toEqual([
      409,
      '3 machines would change, expected 2: nothing was changed. Next step: repeat the preview (dryRun)',
    ])
    expect((await machine('web1')).denied).toBe(false)
  })

  test('denies and allows by ids, and counts machines that are already so, and ids of no machine', async () => {
    const [first, second] = ids
    await act({ ids: [first], action: { deny: true } })
    expect((await machine('web1')).denied).toBe(true)
    const missing = '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f'
    const done = await act({ ids: [first, second, missing], action: { allow: true } })
    expect(done.body).toMatchObject({ matched: 2, changed: 1, unchanged: 1, missing: 1, applied: true })
    expect((await machine('web1')).denied).toBe(false)
  })

  test('assigns an image, and clears the assignment', async () => {
    await act({ filter: { label: ['rack=b4'] }, action: { assign: { image: 'debian', args: ['quiet'] } } })
    expect((await machine('web2')).assignment).toEqual({ image: 'debian', args: ['quiet'] })
    const cleared = await act({ filter: { image: 'debian' }, action: { assign: null }, expect: 2 })
    expect(cleared.body.examples[0].differences).toContainEqual({ field: 'assignment.image', before: 'debian' })
    expect((await machine('web2')).assignment).toBeUndefined()
  })

  test('enters discovered machines, with host names if wished', async () => {
    const id = ids[3] as string
    const done = await act({ filter: { discovered: true }, action: { enter: { hostnames: { [id]: 'new1' } } } })
    expect(done.body).toMatchObject({ changed: 1, applied: true })
    expect(await machine('new1')).toMatchObject({ id, discovered: false })
    expect((await act({ filter: { q: 'new1' }, action: { enter: {} } })).body).toMatchObject({ unchanged: 1 })
  })

  test('deletes only with an expected number, and leaves machines with an active deployment', async () => {
    await api.ask('POST', '/api/v1/deployments', { machine: 'web2', image: 'debian' })
    const body = { filter: { q: 'web' }, action: { delete: true } }
    const without = await act(body)
    expect([without.status, without.body.errors[0].field]).toEqual([422, 'expect'])
    const preview = (await act({ ...body, dryRun: true })).body
    expect(preview).toMatchObject({
      changed: 2,
      refused: [{ why: 'the machine has an active deployment: cancel it first', count: 1, machines: ['web2'] }],
    })
    expect(preview.undo).toBeUndefined()
    expect((await machine('web1')).id).toBe(ids[0])
    await act({ ...body, expect: 2 })
    const left = (await api.ask('GET', `${path}?discovered=false`)).body.items
    expect(left.map((item: { hostname: string }) => item.hostname)).toEqual(['web2'])
  })

  test('of deletion is undone by uploading the deleted machines again', async () => {
    await api.ask('PATCH', `${path}/web1`, { assignment: { image: 'debian' } })
    const { id: _, name: __, ...before } = await machine('web1')
    const { undo } = (await act({ ids: [ids[0]], action: { delete: true }, expect: 1 })).body
    expect((await api.ask('GET', `${path}/web1`)).status).toBe(404)
    const rows = await (await api.app.request(undo)).text()
    const uploaded = await api.app.request(`${path}/bulk`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: rows,
    })
    expect(await uploaded.text()).toContain('"created":1')
    const { macs, hostname, labels, assignment } = before
    expect(await machine('web1')).toMatchObject({ macs, hostname, labels, assignment })
    expect((await api.ask('GET', `${path}/deleted?transaction=1`)).status).toBe(404)
  })

  test('on all machines needs an expected number', async () => {
    expect((await act({ filter: {}, action: { deny: true } })).status).toBe(422)
    expect((await act({ filter: {}, action: { deny: true }, expect: 4 })).body).toMatchObject({ changed: 4 })
  })

  test.each<[string, object, string]>([
    [
      'ids and a filter',
      { ids: ['0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f'], filter: {}, action: { deny: true } },
      'filter',
    ],
    ['two actions', { filter: { q: 'x' }, action: { deny: true, allow: true } }, 'action'],
    ['no action', { filter: { q: 'x' }, action: {} }, 'action'],
    ['an unknown group', { filter: { group: 'nothing' }, action: { deny: true } }, 'group'],
  ])('is refused with %s', async (_, body, field) => {
    const { status, body: answer } = await act(body)
    expect([status, answer.errors[0].field]).toEqual([422, field])
  })

  test('that no machine may have is refused with the reason, and counted', async () => {
    const done = await act({ filter: { q: 'web' }, action: { assign: { image: 'nothing' } }, dryRun: true })
    expect(done.body).toMatchObject({
      changed: 0,
      refused: [
        { why: 'assignment.image: expected the name of an image', count: 3, machines: ['web1', 'web2', 'web3'] },
      ],
    })
  })

  test('can begin with the labels that machines have', async () => {
    const { body } = await api.ask('GET', `${path}/labels?values=1`)
    expect(body.items).toEqual([{ key: 'rack', machines: 3, values: [{ value: 'b4', machines: 2 }] }])
  })
})
