import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveAnswerFile } from '../../../src/inventory/images/answer-files.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import type { MachineChange } from '../../../src/inventory/machines/fields.ts'
import { creationOrder, searchMachines } from '../../../src/inventory/machines/list.ts'
import { auditViewOf, saveMachine } from '../../../src/inventory/machines/machines.ts'
import { saveMenu } from '../../../src/inventory/machines/menus.ts'
import { saveSecret } from '../../../src/inventory/machines/secrets.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'
import { upload } from './bulk-rows.ts'

const machines: [string, MachineChange][] = [
  ['52:54:00:00:00:01', {}],
  [
    '52:54:00:00:00:02',
    {
      macs: ['52:54:00:00:00:02', '52:54:00:00:00:a2'],
      uuid: '4c4c4544-0042-3510-8054-b7c04f4e3332',
      serial: 'S, "quoted"; x',
      product: '=HYPERLINK("http://192.0.2.1")',
      asset: "'-1",
      hostname: 'n2.example.org',
      labels: { rack: 'b4', 'a/b': '@SUM(A1)' },
      denied: true,
    },
  ],
  [
    '52:54:00:00:00:03',
    {
      assignment: {
        image: 'disk',
        everyBoot: true,
        args: ['url={{ boot.url }}/x', '--- quiet', '-x'].map((arg) => arg.replace('--- ', '---')),
        answerFile: 'preseed',
        params: {
          text: 'a',
          number: 3,
          digits: '3',
          flag: true,
          word: 'true',
          none: null,
          list: [1, { a: 'b' }],
          lines: 'a\r\nb\r',
          spaces: '  x ',
          empty: '',
          minus: '-1',
          quoted: '"a"',
        },
        localBoot: { pcbios: 'exit-1', efi: { file: '\\EFI\\debian\\grubx64.efi' } },
      },
    },
  ],
  ['52:54:00:00:00:04', { assignment: { menu: 'main', localBoot: { efi: 'sanboot' } } }],
  ['52:54:00:00:00:05', { assignment: { local: true }, labels: { rack: 'c5' } }],
]

eachDatabase('export', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const everything = async () => (await searchMachines(database(), {}, creationOrder, 1000)).map(auditViewOf)
  const exported = async (query: string) => {
    const response = await api.app.request(`/api/v1/machines/export${query}`)
    return { type: response.headers.get('content-type'), text: await response.text() }
  }

  test.each(['ndjson', 'csv'])(
    'as %s restores an equal inventory when it is uploaded to an empty one',
    async (format) => {
      await saveImage(database(), 'disk', { variants: [{ arch: 'x86_64', kind: 'local' }] }, {}, 'tester')
      await saveAnswerFile(
        database(),
        'preseed',
        {
          documents: [{ name: 'preseed.cfg', mediaType: 'text/plain', text: 'x' }],
        },
        {},
        'tester',
      )
      const local = { name: 'disk', text: 'Disk', kind: 'local' as const }
      await saveMenu(
        database(),
        'main',
        { title: 'Main', timeoutSeconds: null, defaultEntry: null, entries: [local] },
        {},
        'tester',
      )
      for (const [mac, change] of machines) await saveMachine(database(), { mac }, change, {}, 'tester')
      const before = await everything()
      const { text } = await exported(`?format=${format}`)
      await database().execute(sql`truncate machines cascade`)
      const rows =
        format === 'csv'
          ? text
          : text
              .trim()
              .split('\n')
              .map((line) => JSON.parse(line) as object)
      const { bad, summary } = await upload(api, rows, '?mode=replace&atomic=true')
      expect([bad, summary]).toMatchObject([[], { rows: 5, created: 5, failed: 0, applied: true }])
      expect(await everything()).toEqual(before)
      expect((await upload(api, rows, '?mode=replace')).summary).toMatchObject({ unchanged: 5 })
    },
  )

  test('has no CSV cell that begins like a formula', async () => {
    for (const [mac, change] of machines.slice(0, 2)) await saveMachine(database(), { mac }, change, {}, 'tester')
    const { text, type } = await exported('?format=csv')
    expect(type).toBe('text/csv; charset=utf-8')
    expect(text).toContain(`"'=HYPERLINK(""http://192.0.2.1"")"`)
    expect(text).not.toMatch(/(^|,)"?[=+@-]/m)
  })

  test('omits discovered machines and secrets', async () => {
    const seen = '52:54:00:00:00:99'
    await recordDiscovered(database(), { mac: seen }, { max: 10, maxPerAddress: 10 })
    const { machine } = await saveMachine(database(), { mac: '52:54:00:00:00:01' }, {}, {}, 'tester')
    await saveSecret(database(), api.deps.sealer, { kind: 'machine', id: machine.id }, 'root', 'hunter2', 'tester')
    const { text } = await exported('')
    expect(text).not.toMatch(/hunter2|00:99|root/)
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([{ denied: false, labels: {}, macs: ['52:54:00:00:00:01'] }])
    expect((await exported('?discovered=true')).text).toContain(seen)
  })

  test('takes the filters of the list, and has more than one page', async () => {
    const rows = Array.from({ length: 1200 }, (_, n) => ({
      mac: `525400${n.toString(16).padStart(6, '0')}`,
      labels: { half: String(n % 2) },
    }))
    await upload(api, rows)
    const { text } = await exported('?label=half=1')
    expect(text.trim().split('\n')).toHaveLength(600)
    expect((await api.ask('GET', '/api/v1/machines/export?limit=5')).status).toBe(422)
  })
})
