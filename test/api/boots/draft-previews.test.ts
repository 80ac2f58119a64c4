import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Api, addFile, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('previews of drafts', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  beforeEach(async () => {
    const kernel = await addFile(api, 'vmlinuz', 'a kernel')
    const variant = { arch: 'x86_64', kind: 'linux', kernel, initrds: [], args: [] }
    await put('/images/debian', { variants: [variant], installer: false })
    await put('/images/arm', { variants: [{ ...variant, arch: 'arm64' }], installer: false })
    await put('/machines/52-54-00-00-00-01', { hostname: 'a1', labels: { rack: 'a' } })
    await put('/machines/52-54-00-00-00-02', { hostname: 'a2', labels: { rack: 'a' }, assignment: { local: true } })
    await put('/machines/52-54-00-00-00-03', { hostname: 'b1', labels: { rack: 'b' } })
    await put('/groups/racks', { selector: [{ label: 'rack', equals: 'a' }], assignment: { image: 'debian' } })
  })
  const put = async (path: string, body: object) =>
    expect((await api.ask('PUT', `/api/v1${path}`, body)).status).toBeLessThan(300)
  const post = (path: string, body: object) => api.ask('POST', `/api/v1${path}/preview`, body)
  const names = (list: { machines: { name: string }[] }) => list.machines.map(({ name }) => name)
  const boots = ({ name, before, after }: { name: string; before: { boots: string }; after: { boots: string } }) => [
    ...[name, before.boots, after.boots],
  ]

  test('show the machines that a changed selector adds and removes, and what they boot then', async () => {
    const group = { selector: [{ label: 'rack', equals: 'b' }], assignment: { image: 'debian' } }
    const { status, body } = await post('/groups/racks', { group })
    expect([status, body.checked, body.more]).toEqual([200, 3, false])
    expect([names(body.added), names(body.removed), names(body.unchanged)]).toEqual([['b1'], ['a1', 'a2'], []])
    expect([body.changes.evaluated, body.changes.count, body.changes.machines.map(boots)]).toEqual([
      3,
      2,
      [
        ['a1', 'image debian version 1', 'the local disk'],
        ['b1', 'the local disk', 'image debian version 1'],
      ],
    ])
    expect((await api.ask('GET', '/api/v1/groups/racks')).body.selector).toEqual([{ label: 'rack', equals: 'a' }])
  })

  test('show the effect of a new group, of other arguments, and of a deletion', async () => {
    const fresh = await post('/groups/all', {
      group: { everybody: true, priority: 5, assignment: { bootProgram: 'ipxe.efi' } },
    })
    expect([fresh.body.added.count, fresh.body.changes.count]).toEqual([3, 3])
    expect(fresh.body.changes.machines[0]).toMatchObject({
      before: { bootProgram: 'snponly.efi' },
      after: { bootProgram: 'ipxe.efi' },
    })
    const selector = [{ label: 'rack', equals: 'a' }]
    const quiet = await post('/groups/racks', { group: { selector, assignment: { image: 'debian', args: ['quiet'] } } })
    expect([quiet.body.unchanged.count, names(quiet.body.changes)]).toEqual([2, ['a1']])
    const same = await post('/groups/racks', { group: { selector, assignment: { image: 'debian' } } })
    expect(same.body.changes.count).toBe(0)
    const gone = await post('/groups/racks', { group: null })
    expect([gone.body.removed.count, gone.body.changes.machines.map(boots)]).toEqual([
      2,
      [['a1', 'image debian version 1', 'the local disk']],
    ])
  })

  test('show the script of one machine before and after the change', async () => {
    const group = { selector: [{ label: 'rack', equals: 'a' }], assignment: { image: 'debian', args: ['quiet'] } }
    const { body } = await post('/groups/racks', { group, machine: 'a1' })
    expect(body.machine.before.script).toContain('a1 boots debian version 1')
    expect(body.machine.before.script).not.toContain('quiet')
    expect(body.machine.after.script).toContain('quiet')
    expect(body.machine.after.boots).toBe('image debian version 1')
  })

  test('refuse a group or a menu that could not be saved, with the same faults', async () => {
    const group = { everybody: true, assignment: { image: 'nothing' } }
    const saved = await api.ask('PUT', '/api/v1/groups/racks', group)
    expect(await post('/groups/racks', { group })).toMatchObject({ status: 422, body: { errors: saved.body.errors } })
    const menu = { title: 'Choose', defaultEntry: 'b', entries: [{ name: 'a', text: 'A', kind: 'local' }] }
    const savedMenu = await api.ask('PUT', '/api/v1/menus/main', menu)
    expect(await post('/menus/main', { menu })).toMatchObject({ status: 422, body: { errors: savedMenu.body.errors } })
  })

  test('show a menu as a machine would draw it, whatever the machine boots now', async () => {
    const menu = {
      title: '-- Choose --',
      timeoutSeconds: 20,
      defaultEntry: 'disk',
      entries: [
        { name: 'debian', text: 'Débian', kind: 'image', image: 'debian', hotkey: 'd' },
        { name: 'arm', text: 'ARM', kind: 'image', image: 'arm' },
        { name: 'disk', text: 'The local disk', kind: 'local' },
      ],
    }
    for (const machine of ['a2', 'a1', undefined]) {
      const { status, body } = await post('/menus/main', { menu, machine })
      expect([status, body.screen]).toEqual([
        200,
        {
          title: 'Choose --',
          timeoutSeconds: 20,
          items: [
            { name: 'debian', text: 'D?bian', key: 'd', isDefault: false },
            { name: 'disk', text: 'The local disk', isDefault: true },
          ],
        },
      ])
      expect(body.hidden).toEqual([{ name: 'arm', why: 'image arm has no variant for x86_64 efi' }])
      expect(body.script).toContain('item --key d debian D?bian\n')
    }
    expect((await api.ask('GET', '/api/v1/menus/main')).status).toBe(404)
    await put('/machines/52-54-00-00-00-01', { denied: true })
    const denied = await post('/menus/main', { menu, machine: '52-54-00-00-00-01' })
    expect([denied.body.screen, denied.body.refusal]).toMatchObject([undefined, expect.stringContaining('is denied')])
  })

  const document = (text: string) => ({ documents: [{ name: 'preseed.cfg', text }] })

  test('name the line and the column of each fault of an answer file', async () => {
    const unknown = await post('/answer-files/new', document('a\n  {{ machine.colour }} {{ nothing }}\n'))
    expect(unknown.body.faults).toMatchObject([
      { document: 'preseed.cfg', line: 2, column: 6, message: expect.stringContaining('there is no machine.colour') },
      { document: 'preseed.cfg', line: 2, column: 27, message: expect.stringContaining('there is no nothing') },
    ])
    const broken = await post('/answer-files/new', document('a\nb\n{% if machine.mac %}x'))
    expect(broken.body.faults).toMatchObject([{ line: 3, column: 1, message: expect.stringContaining('not closed') }])
    expect((await post('/answer-files/new', document('{{ params.disk }}'))).body).toEqual({ items: [], faults: [] })
  })

  test('render an answer file for a machine as if its deployment were armed, without secrets', async () => {
    await put('/machines/52-54-00-00-00-01', { hostname: 'a1', assignment: { params: { disk: 'sda' } } })
    await api.ask('PUT', '/api/v1/machines/a1/secrets/root', { value: 'geheim' })
    const draft = document(
      '{{ machine.hostname }} {{ params.disk }} {{ secrets.root }} {{ image.name }} {{ boot.answer_url }}',
    )
    const { body } = await post('/answer-files/new', { ...draft, machine: 'a1', image: 'debian' })
    expect(body).toMatchObject({ faults: [], image: 'debian' })
    expect(body.items[0].text).toBe('a1 sda ******** debian http://192.0.2.1:8080/b/preview/answer/preseed.cfg')
    expect((await api.ask('GET', '/api/v1/answer-files/new')).status).toBe(404)
    const missing = await post('/answer-files/new', {
      ...document('x\n{{ params.ram }}'),
      machine: 'a1',
      image: 'debian',
    })
    expect(missing.body).toMatchObject({
      items: [],
      faults: [{ line: 2, column: 4, missing: 'params.ram', message: 'params.ram is not set' }],
    })
    const none = await post('/answer-files/new', { ...draft, machine: '52-54-00-00-00-02' })
    expect(none.body).toMatchObject({ faults: [], refusal: expect.stringContaining('boots no image now') })
  })
})
