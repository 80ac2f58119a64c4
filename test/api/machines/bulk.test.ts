import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { rowsOf } from '../../../src/db/rows.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { findMachine, newMachine, saveMachine } from '../../../src/inventory/machines/machines.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'
import { upload } from './bulk-rows.ts'

const mac = '52:54:00:12:34:56'
const other = '52:54:00:12:34:57'
const macOf = (n: number) =>
  `52:54:${(n + 0x1_0000_0000)
    .toString(16)
    .slice(1)
    .replace(/..(?=.)/g, '$&:')}`

const changesOf = async (db: Db) =>
  rowsOf<{ type: string; actor: string }>(await db.execute(sql`select type, actor from changes order by id`))
const machinesIn = async (db: Db) =>
  Number(rowsOf<{ n: number }>(await db.execute(sql`select count(*)::int as n from machines`))[0]?.n)

eachDatabase('bulk upload', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const machine = async (address: string) => (await api.ask('GET', `/api/v1/machines/${address}`)).body

  test('creates machines from NDJSON with any spelling of a MAC address, and changes nothing when repeated', async () => {
    const rows = [
      { mac: '5254.0012.3456', hostname: 'a', labels: { rack: 'b4' }, assignment: { local: true, params: { n: 1 } } },
      { macs: ['52-54-00-12-34-57', '525400123458'], serial: 'S', product: 'P', denied: true },
    ]
    const first = await upload(api, rows)
    expect([first.status, first.bad, first.summary]).toEqual([
      200,
      [],
      { rows: 2, created: 2, changed: 0, unchanged: 0, failed: 0, applied: true },
    ])
    const { mac: _, ...saidOfIt } = rows[0] as { mac: string }
    expect(await machine(mac)).toMatchObject({
      ...saidOfIt,
      macs: [mac],
      discovered: false,
      revision: 1,
    })
    expect(await machine('525400123458')).toMatchObject({ macs: [other, '52:54:00:12:34:58'], denied: true })
    const again = await upload(api, rows)
    expect(again.summary).toEqual({ rows: 2, created: 0, changed: 0, unchanged: 2, failed: 0, applied: true })
    expect(await machine(mac)).toMatchObject({ revision: 1 })
    expect(await changesOf(database())).toEqual([
      { type: 'machine.created', actor: 'operator' },
      { type: 'machine.created', actor: 'operator' },
    ])
  })

  test('merges: absent fields stay, and null clears a field', async () => {
    await upload(api, [{ mac, hostname: 'a', asset: 'A1', labels: { rack: 'b4' } }])
    const { summary } = await upload(api, [{ mac, asset: null, serial: 'S' }])
    expect(summary).toMatchObject({ changed: 1 })
    const found = await machine(mac)
    expect(found).toMatchObject({ hostname: 'a', serial: 'S', labels: { rack: 'b4' }, revision: 2 })
    expect(found).not.toHaveProperty('asset')
  })

  test('replaces: absent fields are cleared, except the MAC addresses', async () => {
    await upload(api, [{ macs: [mac, other], hostname: 'a', labels: { rack: 'b4' }, denied: true }])
    await upload(api, [{ mac, serial: 'S' }], '?mode=replace')
    const found = await machine(mac)
    expect(found).toMatchObject({ macs: [mac, other], serial: 'S', labels: {}, denied: false })
    expect(found).not.toHaveProperty('hostname')
  })

  test('logs each change with the values before and after', async () => {
    await upload(api, [{ mac, hostname: 'a' }])
    await upload(api, [{ mac, hostname: 'b' }])
    const rows = rowsOf<{ before: object; after: object }>(
      await database().execute(sql`select before, after from changes where type = 'machine.changed'`),
    )
    expect(rows).toEqual([
      {
        before: expect.objectContaining({ hostname: 'a' }),
        after: expect.objectContaining({ hostname: 'b', macs: [mac] }),
      },
    ])
  })

  test('sets single labels and params from CSV, and keeps the others', async () => {
    await saveImage(database(), 'disk', { variants: [{ arch: 'x86_64', kind: 'local' }] } as never, {}, 'tester')
    await upload(api, [
      { mac, labels: { rack: 'b4', row: '1' }, assignment: { local: true, args: ['a'], params: { x: 1, y: 'z' } } },
    ])
    const csv = 'mac;label.rack;image;param.y;denied;hostname\r\n52-54-00-12-34-56;c5;disk;[1,2];true;\r\n'
    expect((await upload(api, csv)).summary).toMatchObject({ changed: 1, failed: 0 })
    expect(await machine(mac)).toMatchObject({
      labels: { rack: 'c5', row: '1' },
      assignment: { image: 'disk', args: ['a'], params: { x: 1, y: [1, 2] } },
      denied: true,
    })
    expect((await machine(mac)).assignment).not.toHaveProperty('local')
  })

  test('reads every column of CSV into its field', async () => {
    const csv = [
      'macs,uuid,serial,product,asset,hostname,denied,local,args,localBoot.pcbios,localBoot.efi,label.rack,param.disk,param.n',
      `${mac} ${other},4c4c4544-0042-3510-8054-b7c04f4e3332,S1,"P, 2",A1,Node1,false,true,a={{ boot.url }} quiet,sanboot,\\EFI\\x.efi,b4,/dev/sda,3`,
      '',
    ].join('\n')
    expect((await upload(api, csv)).bad).toEqual([])
    expect(await machine(mac)).toMatchObject({
      macs: [mac, other],
      uuid: '4c4c4544-0042-3510-8054-b7c04f4e3332',
      serial: 'S1',
      product: 'P, 2',
      asset: 'A1',
      hostname: 'node1',
      denied: false,
      labels: { rack: 'b4' },
      assignment: {
        local: true,
        args: ['a={{ boot.url }}', 'quiet'],
        localBoot: { pcbios: 'sanboot', efi: { file: '\\EFI\\x.efi' } },
        params: { disk: '/dev/sda', n: 3 },
      },
    })
  })

  test.each([
    ['mac,colour\n', 'line 1, column 2', 'colour'],
    ['mac,mac\n', 'line 1, column 2', 'mac'],
    ['', 'line 1', ''],
  ])('refuses the headings %j before the first row', async (csv, field, value) => {
    const response = await api.ask('POST', '/api/v1/machines/bulk')
    expect(response.status).toBe(415)
    const reply = await upload(api, csv)
    expect([reply.status, reply.summary.errors[0]]).toMatchObject([422, { field, value }])
  })

  test.each<[string, object, { field: string; value?: string; message?: unknown }]>([
    ['no key', { hostname: 'a' }, { field: 'mac', value: 'nothing' }],
    [
      'a field there is not',
      { mac, colour: 'red' },
      { field: 'colour', value: 'red', message: expect.stringContaining('unknown field "colour"') },
    ],
    ['a bad host name', { mac, hostname: 'a_b' }, { field: 'hostname', value: 'a_b' }],
    ['a group MAC', { mac: 'ff:ff:ff:ff:ff:ff' }, { field: 'mac', value: 'ff:ff:ff:ff:ff:ff' }],
    ['an unknown image', { mac, assignment: { image: 'none' } }, { field: 'assignment.image', value: 'none' }],
    ['an unknown menu', { mac, assignment: { menu: 'none' } }, { field: 'assignment.menu', value: 'none' }],
    [
      'an unknown answer file',
      { mac, assignment: { answerFile: 'n' } },
      { field: 'assignment.answerFile', value: 'n' },
    ],
    ['an id there is not', { id: '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f' }, { field: 'id' }],
    ['a serial that is a placeholder', { serial: 'Default string', product: 'P' }, { field: 'mac', value: 'nothing' }],
    ["another machine's MAC", { mac, macs: ['52:54:00:00:00:01'] }, { field: 'macs', value: '52:54:00:00:00:01' }],
    [
      'the MACs of two machines',
      { macs: [mac, '52:54:00:00:00:01'] },
      { field: 'macs', value: `${mac} 52:54:00:00:00:01` },
    ],
  ])('reports a row with %s by its line and field, and saves the others', async (_, row, fault) => {
    await saveMachine(database(), { mac: '52:54:00:00:00:01' }, { hostname: 'owner' }, {}, 'tester')
    await saveMachine(database(), { mac }, {}, {}, 'tester')
    const { status, bad, summary } = await upload(api, [{ mac: other }, row])
    expect([status, summary]).toMatchObject([200, { rows: 2, created: 1, failed: 1, applied: true }])
    expect(bad).toEqual([{ line: 2, errors: [{ value: expect.any(String), expected: expect.any(String), ...fault }] }])
  })

  test('reports lines that are too long or not valid JSON or UTF-8, and skips blank lines', async () => {
    const body = Buffer.concat([
      Buffer.from(`{"mac":"${mac}"}\n\n{"mac"\n[]\n{"mac":"${other}","asset":"`),
      Buffer.from([0xe9]),
      Buffer.from(`"}\n{"mac":"${other}","asset":"${'x'.repeat(300_000)}"}\n{"mac":"${other}"}`),
    ])
    const response = await api.app.request('/api/v1/machines/bulk', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body,
    })
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ line, errors }) => [line, errors?.[0].expected])).toEqual([
      [3, 'a JSON object'],
      [4, 'a JSON object'],
      [5, 'text in UTF-8'],
      [6, 'at most 262144 bytes'],
      [undefined, undefined],
    ])
    expect(lines.at(-1)).toMatchObject({ rows: 6, created: 2, failed: 4 })
  })

  test('ends a CSV with a fault at a quote that is never closed, and saves the lines before it', async () => {
    const { bad, summary } = await upload(api, `mac,asset\n${mac},a\n${other},"b\n52:54:00:00:00:02,c\n`)
    expect(summary).toMatchObject({ rows: 2, created: 1, failed: 1 })
    expect(bad[0]?.errors[0].expected).toContain('the following lines were not read')
  })

  test('names the columns of faults in CSV', async () => {
    const { bad } = await upload(
      api,
      `mac,image,label.Rack,param.9,denied,local\n${mac},none,x,y,perhaps,no\n${mac},,,,,,too much\n`,
    )
    expect(bad.map(({ line, errors }) => [line, errors.map(({ field }) => field).sort()])).toEqual([
      [2, ['denied', 'label.Rack', 'local', 'param.9']],
      [3, ['row']],
    ])
  })

  test('reports a repeated machine with the line of its first row', async () => {
    await saveMachine(
      database(),
      { mac },
      { macs: [mac, other], uuid: '4c4c4544-0042-3510-8054-b7c04f4e3332' },
      {},
      'tester',
    )
    const { bad, summary } = await upload(api, [
      { mac, asset: 'one' },
      { mac: other, asset: 'two' },
      { uuid: '4c4c4544-0042-3510-8054-b7c04f4e3332', asset: 'three' },
      { mac: '525400123456', asset: 'four' },
    ])
    expect(summary).toMatchObject({ changed: 1, failed: 3 })
    expect(bad.map(({ line, errors }) => [line, errors[0].field, errors[0].expected])).toEqual([
      [2, 'mac', 'a machine that no earlier row names (line 1 names it)'],
      [3, 'uuid', 'a machine that no earlier row names (line 1 names it)'],
      [4, 'mac', 'a machine that no earlier row names (line 1 names it)'],
    ])
    expect(await machine(mac)).toMatchObject({ asset: 'one' })
  })

  test('finds a machine by id, by UUID in either byte order, and by serial with product', async () => {
    const { machine: made } = await saveMachine(
      database(),
      { mac },
      { uuid: '4c4c4544-0042-3510-8054-b7c04f4e3332' },
      {},
      'tester',
    )
    await saveMachine(database(), { mac: other }, { serial: 'S', product: 'P' }, {}, 'tester')
    const rows = [
      { id: made.id, hostname: 'one' },
      { serial: 'S', product: 'P', hostname: 'two' },
    ]
    expect((await upload(api, rows)).summary).toMatchObject({ changed: 2 })
    const swapped = { uuid: '44454c4c-4200-1035-8054-b7c04f4e3332', hostname: 'three' }
    expect((await upload(api, [swapped])).summary).toMatchObject({ changed: 1 })
    expect(await machine(mac)).toMatchObject({ hostname: 'three', uuid: '4c4c4544-0042-3510-8054-b7c04f4e3332' })
    expect(await machine(other)).toMatchObject({ hostname: 'two' })
  })

  test.each([
    ['a MAC and the UUID', { mac, uuid: '44454c4c-3500-1043-8051-b7c04f4d3391' }],
    ['MACs and the UUID', { macs: [mac, other], uuid: '4c4c4544-0035-4310-8051-b7c04f4d3391' }],
    ['a MAC and the serial', { mac, serial: 'czj 777', product: 'PROLIANT  DL20' }],
  ])('finds a machine without MAC addresses by its %s', async (_, row) => {
    const values = { uuid: '4c4c4544-0035-4310-8051-b7c04f4d3391', serial: 'CZJ  777', product: 'ProLiant DL20' }
    await recordDiscovered(database(), { mac, uuid: values.uuid }, { max: 10, maxPerAddress: 10 })
    const { machine: made } = await saveMachine(
      database(),
      newMachine,
      { ...values, assignment: { local: true } },
      {},
      'tester',
    )
    for (const query of ['?dryRun=true', ''])
      expect((await upload(api, [row], query)).summary).toMatchObject({ changed: 1, created: 0, failed: 0 })
    expect(await machine(mac)).toMatchObject({ id: made.id, assignment: { local: true }, uuid: values.uuid })
    expect(await machinesIn(database())).toBe(1)
  })

  test('gives a UUID that identifies a machine to no other machine, in either order', async () => {
    const [uuid, another] = ['4c4c4544-0035-4310-8051-b7c04f4d3392', '4c4c4544-0035-4310-8051-b7c04f4d3393'] as const
    await saveMachine(database(), newMachine, { uuid, hostname: 'bare', assignment: { local: true } }, {}, 'tester')
    await saveMachine(database(), { mac }, { hostname: 'other' }, {}, 'tester')
    const { bad, summary } = await upload(api, [
      { mac, uuid },
      { uuid: another, hostname: 'first' },
      { mac: other, uuid: another },
      { mac: macOf(3), uuid, hostname: 'bare' },
    ])
    expect(summary).toMatchObject({ created: 1, changed: 1, failed: 2 })
    expect(bad.map(({ line, errors }) => [line, errors[0].expected])).toEqual([
      [
        1,
        expect.stringMatching(
          /: machine bare has this value \(if it is this machine: bootwright machine set \S+ --add-mac MAC/,
        ),
      ],
      [3, 'a machine that no earlier row names (line 2 names it)'],
    ])
    expect(await machine(macOf(3))).toMatchObject({ hostname: 'bare', assignment: { local: true } })
  })

  test.each([
    ['serial', { serial: 'CLONE 9', product: 'Mini' }],
    ['UUID', { uuid: '4c4c4544-0035-4310-8051-b7c04f4d3394' }],
  ])('does not find a discovered machine by a %s that it only reported', async (_, values) => {
    const seen = await recordDiscovered(database(), { mac, ...values }, { max: 10, maxPerAddress: 10 })
    expect((await upload(api, [{ ...values, hostname: 'new' }])).summary).toMatchObject({ created: 1 })
    expect(await machine(mac)).toMatchObject({ id: seen?.id, discovered: true })
    expect((await findMachine(database(), { hostname: 'new' }))?.id).not.toBe(seen?.id)
  })

  test('refuses as a key a serial that two machines have', async () => {
    for (const address of [mac, other])
      await saveMachine(database(), { mac: address }, { serial: 'S', product: 'P' }, {}, 'tester')
    const { bad } = await upload(api, [{ serial: 'S', product: 'P', hostname: 'x' }])
    expect(bad).toMatchObject([{ line: 1, errors: [{ field: 'serial', value: 'S' }] }])
  })

  test('merges the discovered machines with the MAC addresses of an entered machine', async () => {
    const seen = async (address: string) =>
      recordDiscovered(database(), { mac: address }, { max: 10, maxPerAddress: 10 })
    const first = await seen(mac)
    await seen(other)
    expect((await upload(api, [{ macs: [mac, other], hostname: 'a' }])).summary).toMatchObject({ created: 1 })
    expect(await machine(mac)).toMatchObject({ id: first?.id, macs: [mac, other], discovered: false })
    expect(await machinesIn(database())).toBe(1)
  })

  test('moves a MAC address from one row to another, also in a dry run', async () => {
    await saveMachine(database(), { mac }, { macs: [mac, other], hostname: 'a' }, {}, 'tester')
    const rows = [
      { mac, macs: [mac] },
      { mac: other, hostname: 'b' },
    ]
    for (const query of ['?dryRun=true', '']) {
      const { summary } = await upload(api, rows, query)
      expect([query, summary]).toMatchObject([query, { changed: 1, created: 1, failed: 0 }])
    }
    expect(await machine(other)).toMatchObject({ hostname: 'b', macs: [other] })
  })

  test('reports the same in a dry run, and changes nothing', async () => {
    await saveMachine(database(), { mac }, {}, {}, 'tester')
    const before = await changesOf(database())
    const rows = [{ mac, hostname: 'a' }, { mac: other }, { mac: other }, { hostname: 'x' }]
    const dry = await upload(api, rows, '?dryRun=true')
    expect(dry.summary).toMatchObject({ rows: 4, created: 1, changed: 1, unchanged: 0, failed: 2, applied: false })
    expect([await changesOf(database()), await machinesIn(database())]).toEqual([before, 1])
    const real = await upload(api, rows)
    const { concerns, ...counts } = dry.summary
    expect(concerns.applied).toBe(false)
    expect([real.bad, real.summary]).toEqual([dry.bad, { ...counts, applied: true }])
  })

  test('changes nothing in any batch and answers 422 if an atomic upload has a bad row', async () => {
    const rows: object[] = Array.from({ length: 2500 }, (_, n) => ({ mac: macOf(n) }))
    rows.push({ mac: macOf(2500), hostname: 'a_b' })
    const { status, bad, summary } = await upload(api, rows, '?atomic=true')
    expect([status, summary]).toEqual([
      422,
      { rows: 2501, created: 2500, changed: 0, unchanged: 0, failed: 1, applied: false },
    ])
    expect(bad).toMatchObject([{ line: 2501, errors: [{ field: 'hostname' }] }])
    expect([await machinesIn(database()), await changesOf(database())]).toEqual([0, []])
    const sound = await upload(api, rows.slice(0, -1), '?atomic=true')
    expect([sound.status, sound.summary]).toMatchObject([200, { created: 2500, applied: true }])
    expect(await machinesIn(database())).toBe(2500)
  })

  test('ignores an Idempotency-Key', async () => {
    const response = await api.app.request('/api/v1/machines/bulk', {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': 'k' },
      body: `{"mac":"${mac}"}`,
    })
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('"created":1')])
    expect(await findMachine(database(), { mac })).toMatchObject({ macs: [mac] })
    expect(rowsOf(await database().execute(sql`select 1 from idempotency_keys`))).toEqual([])
  })

  test('creates each machine once from two simultaneous uploads', async () => {
    const rows = Array.from({ length: 300 }, (_, n) => ({ mac: macOf(n), asset: `a${n}` }))
    const both = await Promise.all([upload(api, rows), upload(api, [...rows].reverse())])
    expect(both.map(({ summary }) => [summary.created + summary.unchanged, summary.failed])).toEqual([
      [300, 0],
      [300, 0],
    ])
    expect(await machinesIn(database())).toBe(300)
    expect(await changesOf(database())).toHaveLength(300)
  })
})
