import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const bytes = 'a kernel'
const sha256 = createHash('sha256').update(bytes).digest('hex')
const kernel = { sha256, name: 'vmlinuz' }
const linux = { kind: 'linux', arch: 'x86_64', kernel, initrds: [{ sha256, name: 'initrd.gz' }], args: ['quiet'] }
const here = '/api/v1/images/debian-12'

eachDatabase('images over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  beforeEach(async () => {
    await api.app.request(`/api/v1/files/${sha256}?name=vmlinuz`, { method: 'PUT', body: bytes })
  })
  afterAll(() => api.remove())

  test('are added by PUT, and get a new version only for changed variants', async () => {
    const first = await api.ask('PUT', here, { title: 'Debian 12', variants: [linux] })
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({ name: 'debian-12', title: 'Debian 12', version: 1, variants: [linux] })
    const again = await api.ask('PUT', here, { variants: [linux] })
    expect([again.status, again.body]).toEqual([200, first.body])
    const second = await api.ask('PUT', here, {
      variants: [
        { ...linux, args: [] },
        { kind: 'local', arch: 'arm64' },
      ],
    })
    expect([second.status, second.body.version, second.body.title]).toEqual([200, 2, 'Debian 12'])
    const { body } = await api.ask('GET', `${here}/versions`)
    expect(body.items.map((item: { version: number; current: boolean }) => [item.version, item.current])).toEqual([
      [2, true],
      [1, false],
    ])
  })

  test('are rolled back and get a new title by PATCH', async () => {
    await api.ask('PUT', here, { variants: [linux] })
    await api.ask('PUT', here, { variants: [{ ...linux, args: [] }] })
    const { body } = await api.ask('PATCH', here, { version: 1, title: 'Bookworm' })
    expect(body).toMatchObject({ version: 1, title: 'Bookworm', variants: [linux] })
    const unknown = await api.ask('PATCH', here, { version: 3 })
    expect([unknown.status, unknown.body.errors]).toEqual([
      422,
      [{ field: 'version', value: '3', expected: 'one of 2, 1' }],
    ])
  })

  test('are listed by name, in pages', async () => {
    for (const name of ['c', 'a', 'b']) await api.ask('PUT', `/api/v1/images/${name}`, { variants: [linux] })
    const first = await api.ask('GET', '/api/v1/images?limit=2')
    expect([first.body.items.map((item: { name: string }) => item.name), first.body.next]).toEqual([['a', 'b'], 'b'])
    const second = await api.ask('GET', '/api/v1/images?limit=2&after=b')
    expect([second.body.items.map((item: { name: string }) => item.name), second.body.next]).toEqual([['c'], undefined])
    expect((await api.ask('GET', '/api/v1/images?after=A%20b')).status).toBe(422)
  })

  test('are not deleted while in use', async () => {
    await api.ask('PUT', here, { variants: [linux] })
    await api.ask('PUT', '/api/v1/machines/525400000001', { assignment: { image: 'debian-12' } })
    expect((await api.ask('GET', '/api/v1/machines?image=debian-12')).body.items).toHaveLength(1)
    expect(await api.ask('DELETE', here)).toMatchObject({
      status: 409,
      body: { detail: 'image debian-12 is used by machine 52:54:00:00:00:01' },
    })
    await api.ask('PATCH', '/api/v1/machines/525400000001', { assignment: null })
    await api.ask('PUT', '/api/v1/policy', { kind: 'image', image: 'debian-12' })
    expect((await api.ask('DELETE', here)).status).toBe(409)
    await api.ask('PUT', '/api/v1/policy', { kind: 'wait' })
    expect((await api.ask('DELETE', here)).status).toBe(204)
    for (const path of [here, `${here}/versions`]) expect((await api.ask('GET', path)).status).toBe(404)
  })

  const unknown = 'f'.repeat(64)
  test.each<[string, object, string]>([
    ['a kind that does not exist', { variants: [{ ...linux, kind: 'dos' }] }, 'variants[0].kind'],
    ['no variant', { variants: [] }, 'variants'],
    ['no variants', {}, 'variants'],
    ['a field of another kind', { variants: [{ kind: 'local', arch: 'x86_64', args: [] }] }, 'variants[0].args'],
    [
      'a path for a file name',
      { variants: [{ ...linux, kernel: { sha256, name: '../vmlinuz' } }] },
      'variants[0].kernel.name',
    ],
    [
      'a hash in capitals',
      { variants: [{ ...linux, kernel: { sha256: sha256.toUpperCase(), name: 'a' } }] },
      'variants[0].kernel.sha256',
    ],
    [
      '17 initrds',
      { variants: [{ ...linux, initrds: Array.from({ length: 17 }, () => kernel) }] },
      'variants[0].initrds',
    ],
    [
      'an EFI program for a BIOS',
      { variants: [{ kind: 'efi', arch: 'x86_64', platform: 'pcbios', file: kernel }] },
      'variants[0].platform',
    ],
    ['two variants for the same machines', { variants: [linux, linux] }, 'variants[1]'],
    [
      'a file that is not stored',
      { variants: [{ ...linux, kernel: { sha256: unknown, name: 'a' } }] },
      'variants[0] a',
    ],
  ])('name the wrong field: %s', async (_, body, field) => {
    const reply = await api.ask('PUT', here, body)
    expect([reply.status, reply.body.errors?.map((item: { field: string }) => item.field)]).toEqual([422, [field]])
  })

  test('answer an unknown kind with the valid kinds', async () => {
    const { body } = await api.ask('PUT', here, { variants: [{ ...linux, kind: 'dos' }] })
    expect(body.errors).toEqual([
      { field: 'variants[0].kind', value: 'dos', expected: 'linux, wimboot, efi, ipxe, sanboot or local' },
    ])
  })

  test('are required to exist by the policy, which is local until it is set', async () => {
    expect((await api.ask('GET', '/api/v1/policy')).body).toEqual({ kind: 'local' })
    expect((await api.ask('PUT', '/api/v1/policy', { kind: 'image', image: 'nope' })).body.errors[0].field).toBe(
      'image',
    )
    expect((await api.ask('PUT', '/api/v1/policy', { kind: 'lokal' })).body.errors[0].expected).toBe(
      'local, wait, menu or image',
    )
    expect((await api.ask('PUT', '/api/v1/policy', { kind: 'local', image: 'a' })).status).toBe(422)
    await api.ask('PUT', here, { variants: [linux] })
    expect(await api.ask('PUT', '/api/v1/policy', { kind: 'image', image: 'debian-12' })).toMatchObject({ status: 200 })
    expect((await api.ask('GET', '/api/v1/policy')).body).toEqual({ kind: 'image', image: 'debian-12' })
  })

  test('say what names them, and how many machines boot them', async () => {
    const put = (path: string, body: object) => api.ask('PUT', `/api/v1${path}`, body)
    await put('/images/debian-12', { variants: [linux], installer: false })
    await put('/machines/52-54-00-00-00-01', { assignment: { image: 'debian-12' } })
    await put('/machines/52-54-00-00-00-02', { labels: { rack: 'a' } })
    await put('/groups/racks', { selector: [{ label: 'rack', equals: 'a' }], assignment: { image: 'debian-12' } })
    const entries = [{ name: 'install', text: 'Install', kind: 'image', image: 'debian-12' }]
    await put('/menus/main', { title: 'Choose', entries })
    await api.ask('POST', '/api/v1/deployments', { machine: '52-54-00-00-00-02', image: 'debian-12' })
    expect((await api.ask('GET', `${here}/uses`)).body).toEqual({
      ...{ machines: 2, assigned: 1, groups: ['racks'], menus: [{ menu: 'main', entry: 'install' }] },
      ...{ policy: false, deployments: 1, more: false, draft: true },
    })
  })
})
