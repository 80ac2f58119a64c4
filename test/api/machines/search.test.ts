import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { findAllMachines, searchMachines } from '../../../src/inventory/machines/list.ts'
import { targetOf } from '../../../src/model/facts.ts'
import { type Condition, compileSelector, subjectOf } from '../../../src/model/selector.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'
import { recordReport } from '../../helpers/reports.ts'

const path = '/api/v1/machines'
const uuid = '4c4c4544-0042-3510-8054-b7c04f4e3332'
const swapped = '44454c4c-4200-1035-8054-b7c04f4e3332'

eachDatabase('a search for machines', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    await saveImage(database(), 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const machines: Record<string, object> = {
      a1: { hostname: 'web1', serial: 'SN_7', product: 'PowerEdge R650', labels: { rack: 'b4', site: 'Ulm' } },
      a2: { hostname: 'web2', uuid, labels: { rack: 'b5' }, assignment: { image: 'debian' } },
      a3: { hostname: 'db1', asset: '50%', denied: true },
    }
    for (const [last, body] of Object.entries(machines)) await api.ask('PUT', `${path}/52:54:00:00:0f:${last}`, body)
    await recordDiscovered(
      database(),
      {
        mac: '52:54:00:00:0f:a4',
        serial: 'REPORTED-9',
        manufacturer: 'Dell Inc.',
        platform: 'pcbios',
        buildarch: 'i386',
        cpuarch: 'x86_64',
        ip: '192.0.2.44',
      },
      { max: 10, maxPerAddress: 10 },
    )
  })
  const found = async (query: string): Promise<string> => {
    const { status, body } = await api.ask('GET', `${path}?${query}`)
    expect([query, status]).toEqual([query, 200])
    return body.items.map((item: { macs: string[] }) => item.macs[0]?.slice(-1)).join('')
  }

  test.each([
    ['q=WEB', '12'],
    ['q=eb2', '2'],
    ['q=sn_7', '1'],
    ['q=sn77', ''],
    ['q=0%25', '3'],
    ['q=poweredge r6', '1'],
    ['q=reported', '4'],
    ['q=dell', '4'],
    ['q=192.0.2', '4'],
    ['q=debian', '2'],
    ['q=ulm', '1'],
    ['q=rack%3Db', '12'],
    ['q=5254.0000.0FA2', '2'],
    ['q=00-0f-a3', '3'],
    ['q=f:a1', '1'],
    ['q=fa1', ''],
    [`q=${uuid.slice(0, 13)}`, '2'],
    [`q=${swapped.toUpperCase()}`, '2'],
    ['q=%5C', ''],
  ])('by %s finds the machines %s', async (query, expected) => {
    expect(await found(query)).toBe(expected)
  })

  test.each([
    ['label=rack', '12'],
    ['label=rack&label=site=Ulm', '1'],
    ['label=site=ulm', ''],
    ['label=rac', ''],
    ['platform=pcbios', '4'],
    ['platform=efi', '123'],
    ['arch=x86_64', '1234'],
    ['arch=i386', ''],
    ['fact=manufacturer=Dell Inc.', '4'],
    ['state=denied', '3'],
    ['state=discovered', '4'],
    ['state=never-seen', '123'],
    ['denied=false&discovered=false', '12'],
    ['fact=buildarch=i386', '4'],
    ['product=PowerEdge R650', '1'],
    ['label=rack&sort=-hostname', '21'],
    ['label=rack&sort=-created', '21'],
    ['image=debian&q=web', '2'],
    ['serial=REPORTED-9', '4'],
    ['serial=reported-9', ''],
  ])('with %s finds the machines %s', async (query, expected) => {
    expect(await found(query)).toBe(expected)
  })

  test('follows each change of a machine and of its MACs', async () => {
    await api.ask('PATCH', `${path}/db1`, { hostname: 'db9', labels: { row: 'x' } })
    expect([await found('q=db1'), await found('q=db9'), await found('q=row%3Dx')]).toEqual(['', '3', '3'])
    await api.ask('PATCH', `${path}/db9`, { macs: ['52:54:00:00:0f:a3', '52:54:00:00:cc:01'] })
    expect(await found('q=cc01')).toBe('3')
    await api.ask('PATCH', `${path}/db9`, { macs: ['52:54:00:00:0f:a3'] })
    expect(await found('q=cc01')).toBe('')
    await api.ask('POST', `${path}/db9/merge`, { from: '52:54:00:00:0f:a4' })
    expect([await found('q=0fa4'), await found('q=reported')]).toEqual(['3', '3'])
    await api.ask('DELETE', `${path}/db9`)
    expect(await found('q=reported')).toBe('')
    const rows = await database().execute(sql`select 1 from machine_search`)
    expect([rows].flat().length === 2 || (rows as unknown as { rows: unknown[] }).rows.length === 2).toBe(true)
  })

  test('by the state of the last boot finds a machine until its next boot', async () => {
    const facts = { mac: '52:54:00:00:0f:a2', platform: 'efi', buildarch: 'x86_64' } as const
    expect(await found('state=booting&discovered=false')).toBe('')
    const { token } = await openBootFor(database(), facts, '192.0.2.2')
    expect(await found('state=booting&discovered=false')).toBe('2')
    await recordReport(database(), token, 'failed', '192.0.2.2', 'no disk')
    expect([await found('state=booting&discovered=false'), await found('state=failed')]).toEqual(['', '2'])
    await openBootFor(database(), facts, '192.0.2.2')
    expect(await found('state=failed')).toBe('')
    await database().execute(sql`update boots set outcome = 'stalled' where ip = '192.0.2.2' and outcome is null`)
    expect(await found('state=stalled')).toBe('2')
  })

  test('by the state of a deployment finds its machine', async () => {
    await api.ask('POST', '/api/v1/deployments', { machine: 'web1', image: 'debian' })
    expect([await found('state=armed'), await found('state=installing')]).toEqual(['1', ''])
  })

  test('in a group finds the machines that its selector matches, page by page', async () => {
    await api.ask('PUT', '/api/v1/groups/racks', { selector: [{ label: 'rack', exists: true }], assignment: {} })
    await api.ask('PUT', '/api/v1/groups/net', { selector: [{ fact: 'ip', cidr: '192.0.2.0/24' }], assignment: {} })
    expect([await found('group=racks'), await found('group=net'), await found('group=racks&q=web2')]).toEqual([
      '12',
      '4',
      '2',
    ])
    const first = (await api.ask('GET', `${path}?group=racks&limit=1`)).body
    expect(first.items[0].hostname).toBe('web1')
    const second = (await api.ask('GET', `${path}?group=racks&limit=1&after=${first.next}`)).body
    expect([second.items[0].hostname, second.next]).toEqual(['web2', undefined])
  })

  test('by any condition of a selector finds what the selector matches', async () => {
    const conditions: Condition[] = [
      { label: 'site', equals: 'Ulm' },
      { label: 'site', equals: 'ulm' },
      { label: 'rack', in: ['b4', 'b9'] },
      { label: 'rack', prefix: 'b' },
      { label: 'rack', glob: '?5' },
      { label: 'rack', exists: false },
      { fact: 'hostname', equals: 'WEB1' },
      { fact: 'hostname', glob: 'WEB*' },
      { fact: 'hostname', exists: true },
      { fact: 'serial', prefix: 'SN_' },
      { fact: 'serial', equals: 'REPORTED-9' },
      { fact: 'asset', glob: '*%' },
      { fact: 'manufacturer', in: ['Dell Inc.'] },
      { fact: 'mac', equals: '5254.0000.0FA2' },
      { fact: 'mac', prefix: '5254.0000' },
      { fact: 'mac', glob: '*:A3' },
      { fact: 'mac', in: ['52-54-00-00-0F-A1'] },
      { fact: 'uuid', equals: swapped },
      { fact: 'uuid', exists: true },
      { fact: 'arch', equals: 'x86_64' },
      { fact: 'platform', equals: 'pcbios' },
      { fact: 'platform', in: ['efi'] },
      { fact: 'ip', cidr: '192.0.0.0/16' },
    ]
    const machines = await searchMachines(database(), {}, { by: 'created', descending: false }, 10)
    for (const condition of conditions) {
      const refuses = compileSelector([condition])
      const expected = machines.filter((it) => refuses(subjectOf(it, {}, targetOf({}, it.facts))) === undefined)
      const selected = await findAllMachines(database(), { selector: [condition] })
      expect([condition, selected.map(({ id }) => id)]).toEqual([condition, expected.map(({ id }) => id)])
    }
  })

  test('is the same in the export', async () => {
    const { body } = await api.ask('GET', `${path}/export?format=csv&q=web&label=site&state=never-seen`)
    expect(body.split('\n').filter(Boolean)).toHaveLength(2)
    expect(body).toContain('web1')
  })
})
