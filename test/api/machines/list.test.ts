import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const path = '/api/v1/machines'
const uuid = '4c4c4544-0042-3510-8054-b7c04f4e3332'
const swapped = '44454c4c-4200-1035-8054-b7c04f4e3332'

eachDatabase('the list of machines', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const machines: Record<string, object> = {
      '01': {
        hostname: 'b',
        serial: 'S_1',
        product: 'X1',
        labels: { rack: 'b4', row: '1' },
        assignment: { image: 'debian' },
      },
      '02': { hostname: 'a', serial: 'S%2', product: 'X1', labels: { rack: 'b4', row: '2' }, uuid, denied: true },
      '03': { hostname: 'c', asset: 'A-77', labels: { rack: 'b5' } },
      '04': {},
    }
    for (const [last, body] of Object.entries(machines)) await api.ask('PUT', `${path}/52:54:00:00:00:${last}`, body)
    for (const [last, days] of [
      ['01', 1],
      ['02', 5],
      ['03', 3],
    ] as const)
      await database().execute(sql`
        update machines set last_seen_at = now() - ${days} * interval '1 day'
        where id = (select machine_id from machine_macs where mac = ${`52:54:00:00:00:${last}`})`)
  })
  const found = async (query: string): Promise<string> => {
    const { status, body } = await api.ask('GET', `${path}?${query}`)
    expect([query, status]).toEqual([query, 200])
    return body.items.map((item: { macs: string[] }) => item.macs[0]?.slice(-1)).join('')
  }
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()

  test('is filtered by every field of a machine', async () => {
    for (const [query, expected] of [
      ['', '1234'],
      ['image=debian', '1'],
      ['denied=true', '2'],
      ['denied=false', '134'],
      ['hostname=C', '3'],
      ['product=X1', '12'],
      ['product=X1&serial=S_1', '1'],
      ['asset=A-77', '3'],
      [`uuid=${swapped}`, '2'],
      ['label=rack=b4', '12'],
      ['label=rack=b4&label=row=2', '2'],
      ['label=rack=b6', ''],
      ['discovered=true', ''],
      ['q=a-7', '3'],
      ['q=S_', '1'],
      ['q=%25', '2'],
      ['q=00-00-03', '3'],
      [`seenSince=${daysAgo(4)}`, '13'],
      [`notSeenSince=${daysAgo(4)}`, '24'],
    ])
      expect([query, await found(query as string)]).toEqual([query, expected])
  })

  test.each([
    ['created', '1234'],
    ['-created', '4321'],
    ['hostname', '2134'],
    ['-hostname', '3124'],
    ['lastSeen', '2314'],
    ['-lastSeen', '1324'],
  ])('is sorted by %s across pages', async (sort, expected) => {
    expect(await found(`sort=${sort}`)).toBe(expected)
    let walked = ''
    for (let next = ''; ; ) {
      const { body } = await api.ask('GET', `${path}?sort=${sort}&limit=1${next && `&after=${next}`}`)
      walked += body.items.map((item: { macs: string[] }) => item.macs[0]?.slice(-1)).join('')
      next = body.next ?? ''
      if (next === '') break
    }
    expect(walked).toBe(expected)
  })

  test('refuses a cursor of another sort, and an invalid cursor', async () => {
    const { body } = await api.ask('GET', `${path}?sort=hostname&limit=1`)
    for (const query of [
      `after=${body.next}`,
      'after=abc',
      'sort=colour',
      'label==b4',
      'state=well',
      'group=nothing',
      'seenSince=yesterday',
      'uuid=1',
    ])
      expect([query, (await api.ask('GET', `${path}?${query}`)).status]).toEqual([query, 422])
  })
})
