import { asc } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changes } from '../../../src/db/schema/changes.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const group = '/api/v1/groups/rack-b4'
const machine = '/api/v1/machines/52-54-00-12-34-56'

eachDatabase('groups over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const withImage = () =>
    saveImage(database(), 'debian-12', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')

  test('are created by PUT, apply at once, and stay unchanged when repeated', async () => {
    await withImage()
    const body = {
      priority: 5,
      selector: [{ fact: 'mac', prefix: '52-54' }],
      assignment: { image: 'debian-12', params: { disk: 'sda', dns: ['1.1.1.1'] } },
    }
    const first = await api.ask('PUT', group, body)
    expect([first.status, first.headers.get('location')]).toEqual([201, group])
    expect(first.body).toMatchObject({ name: 'rack-b4', title: '', ...body, revision: 1 })
    const again = await api.ask('PUT', group, body)
    expect([again.status, again.body, again.headers.get('etag')]).toEqual([200, first.body, first.headers.get('etag')])
    const { body: decision } = await api.ask('GET', `${machine}/decision`)
    expect(decision).toMatchObject({ image: { name: 'debian-12' }, groups: ['rack-b4'], params: { disk: 'sda' } })
    await api.ask('PUT', group, { ...body, assignment: { local: true } })
    expect((await api.ask('GET', `${machine}/decision`)).body.spec.kind).toBe('local')
  })

  test('get a notice if their boot program is not served', async () => {
    const body = { everybody: true, assignment: { bootProgram: 'site.efi', proxy: 'pxe10' } }
    const saved = await api.ask('PUT', group, body)
    expect(saved.body).toMatchObject({
      assignment: body.assignment,
      notices: [expect.stringContaining('no boot program site.efi')],
    })
    expect((await api.ask('PATCH', group, { assignment: { bootProgram: null } })).body.notices).toBeUndefined()
  })

  test('are listed by name, and can be deleted', async () => {
    for (const name of ['b', 'a', 'c'])
      await api.ask('PUT', `/api/v1/groups/${name}`, { everybody: true, assignment: {} })
    const page = await api.ask('GET', '/api/v1/groups?limit=2')
    expect([page.body.items.map((item: { name: string }) => item.name), page.body.next]).toEqual([['a', 'b'], 'b'])
    expect((await api.ask('DELETE', '/api/v1/groups/a')).status).toBe(204)
    expect((await api.ask('GET', '/api/v1/groups/a')).status).toBe(404)
    expect((await api.ask('DELETE', '/api/v1/groups/a')).status).toBe(404)
  })

  test.each<[string, object, string]>([
    ['two tests in one condition', { selector: [{ fact: 'serial', equals: 'a', prefix: 'b' }] }, 'selector[0]'],
    ['no test', { selector: [{ fact: 'serial' }] }, 'selector[0]'],
    ['a fact and a label', { selector: [{ fact: 'serial', label: 'x', equals: 'a' }] }, 'selector[0]'],
    ['an unknown fact', { selector: [{ fact: 'colour', equals: 'red' }] }, 'selector[0].fact'],
    ['a subnet that is none', { selector: [{ fact: 'ip', cidr: '10.0.0.0/33' }] }, 'selector[0].cidr'],
    ['a subnet for a serial', { selector: [{ fact: 'serial', cidr: '10.0.0.0/8' }] }, 'selector[0].cidr'],
    ['an image that does not exist', { assignment: { image: 'nothing' } }, 'assignment.image'],
    ['a menu that does not exist', { assignment: { menu: 'nothing' } }, 'assignment.menu'],
    ['an answer file that does not exist', { assignment: { answerFile: 'nothing' } }, 'assignment.answerFile'],
    ['an image and a menu', { assignment: { image: 'a', menu: 'b' } }, 'assignment.image'],
    ['a param that is no name', { assignment: { params: { 'a-b': 1 } } }, 'assignment.params.a-b'],
    ['a local-boot method', { assignment: { localBoot: { efi: 'jump' } } }, 'assignment.localBoot.efi'],
    [
      'a file for BIOS',
      { assignment: { localBoot: { pcbios: { file: '\\EFI\\a.efi' } } } },
      'assignment.localBoot.pcbios',
    ],
    ['a name that no boot has', { assignment: { args: ['x={{ boot.uri }}'] } }, 'assignment.args[0]'],
    ['a secret in an argument', { assignment: { args: ['x={{ secrets.password }}'] } }, 'assignment.args[0]'],
    ['a priority that is no number', { priority: 'high' }, 'priority'],
  ])('name the wrong field: %s', async (_, change, field) => {
    const all = 'selector' in change ? {} : { everybody: true }
    const reply = await api.ask('PUT', group, { ...all, assignment: {}, ...change })
    expect([reply.status, reply.body.errors?.map((item: { field: string }) => item.field)]).toEqual([422, [field]])
    expect((await api.ask('GET', group)).status).toBe(404)
  })

  test('are refused with all unknown names at once', async () => {
    const reply = await api.ask('PUT', group, { everybody: true, assignment: { image: 'x', answerFile: 'y' } })
    expect(reply.body.errors).toEqual([
      { field: 'assignment.image', value: 'x', expected: 'the name of an image' },
      { field: 'assignment.answerFile', value: 'y', expected: 'the name of an answer file' },
    ])
  })

  test('are protected by ETag and If-Match from changes of two operators', async () => {
    const put = (priority: number, headers: Record<string, string>) =>
      api.ask('PUT', group, { priority, everybody: true, assignment: {} }, headers)
    expect((await put(1, { 'if-match': '*' })).status).toBe(412)
    const made = await put(1, { 'if-none-match': '*' })
    expect(made.status).toBe(201)
    expect((await put(2, { 'if-none-match': '*' })).status).toBe(412)
    const etag = made.headers.get('etag') as string
    expect((await api.ask('GET', group)).headers.get('etag')).toBe(etag)
    const second = await put(2, { 'if-match': etag })
    expect([second.status, second.body.revision]).toEqual([200, 2])
    const late = await put(3, { 'if-match': etag })
    expect([late.status, late.body.detail]).toEqual([
      412,
      `the resource was changed by another request: its ETag is now ${second.headers.get('etag')}`,
    ])
    expect((await put(3, { 'if-match': `"x", ${second.headers.get('etag')}` })).status).toBe(200)
    expect((await api.ask('DELETE', group, undefined, { 'if-match': etag })).status).toBe(412)
    expect((await put(3, { 'if-match': 'no quotes' })).status).toBe(422)
    await api.ask('DELETE', group)
    expect((await put(4, { 'if-match': etag })).status).toBe(412)
  })

  test('keep absent fields after PATCH, and null clears a field', async () => {
    await withImage()
    const selector = [{ label: 'ring', equals: 'early' }]
    const assignment = { image: 'debian-12', args: ['quiet'], params: { disk: 'vda', tz: 'UTC' } }
    await api.ask('PUT', group, { title: 'Early ring', priority: 3, selector, assignment })
    const moved = await api.ask('PATCH', group, { assignment: { local: true, params: { tz: null, ntp: 'a' } } })
    expect(moved.body).toMatchObject({
      title: 'Early ring',
      priority: 3,
      selector,
      everybody: false,
      assignment: { local: true, args: ['quiet'], params: { disk: 'vda', ntp: 'a' } },
    })
    expect(moved.body.assignment).not.toHaveProperty('image')
    expect(moved.body.assignment.params).not.toHaveProperty('tz')
    const cleared = await api.ask('PATCH', group, { title: null, priority: null, assignment: null })
    expect(cleared.body).toMatchObject({ title: '', priority: 0, selector, assignment: {} })
    expect((await api.ask('PATCH', '/api/v1/groups/nobody', { priority: 1 })).status).toBe(404)
  })

  test('match every machine only with everybody: true', async () => {
    const some = { selector: [{ fact: 'serial', equals: 'S9' }], assignment: {} }
    const refused = async (method: string, body: object) => {
      const reply = await api.ask(method, group, body)
      return [reply.status, reply.body.errors?.[0].field]
    }
    expect(await refused('PUT', { selector: [], assignment: {} })).toEqual([422, 'selector'])
    expect(await refused('PUT', { assignment: {} })).toEqual([422, 'selector'])
    expect(await refused('PUT', { ...some, everybody: true })).toEqual([422, 'everybody'])
    await api.ask('PUT', group, some)
    expect(await refused('PATCH', { selector: [] })).toEqual([422, 'selector'])
    expect((await api.ask('GET', group)).body).toMatchObject({ selector: some.selector, everybody: false })
    expect((await api.ask('PATCH', group, { everybody: true })).body).toMatchObject({ selector: [], everybody: true })
  })

  test('log each change with its actor and the values before and after', async () => {
    await api.ask('PUT', group, { everybody: true, assignment: { args: ['a'] } })
    await api.ask('PUT', group, { everybody: true, assignment: { args: ['b'] } })
    await api.ask('DELETE', group)
    const rows = await database().select().from(changes).orderBy(asc(changes.id))
    expect(rows.map(({ actor, type, subject }) => [actor, type, subject])).toEqual([
      ['operator', 'group.created', 'rack-b4'],
      ['operator', 'group.changed', 'rack-b4'],
      ['operator', 'group.deleted', 'rack-b4'],
    ])
    expect(rows[1]).toMatchObject({ before: { assignment: { args: ['a'] } }, after: { assignment: { args: ['b'] } } })
  })

  test('are created once by many simultaneous requests with the same name', async () => {
    const replies = await Promise.all(
      Array.from({ length: 8 }, (_, priority) => api.ask('PUT', group, { priority, everybody: true, assignment: {} })),
    )
    expect(replies.map((item) => item.status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201])
    expect((await api.ask('GET', group)).body.revision).toBe(8)
  })
})
