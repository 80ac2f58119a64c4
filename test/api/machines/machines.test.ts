import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'

const mac = '52:54:00:12:34:56'
const here = '/api/v1/machines/52-54-00-12-34-56'

eachDatabase('machines over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  test('are created by PUT with a MAC address, and replaced by the next PUT', async () => {
    const first = await api.ask('PUT', here, { hostname: 'Node1', labels: { rack: 'b4' }, serial: ' S1 ' })
    expect(first.status).toBe(201)
    expect(first.headers.get('location')).toBe(`/api/v1/machines/${first.body.id}`)
    expect(first.body).toEqual({
      id: first.body.id,
      discovered: false,
      discoveredFrom: '',
      denied: false,
      macs: [mac],
      name: 'node1',
      hostname: 'node1',
      serial: 'S1',
      labels: { rack: 'b4' },
      facts: {},
      revision: 1,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: expect.stringMatching(/Z$/),
    })
    const second = await api.ask('PUT', `/api/v1/machines/${first.body.id}`, { asset: 'A1' })
    expect(second.status).toBe(200)
    expect(second.body).toEqual({
      ...first.body,
      name: mac,
      hostname: undefined,
      serial: undefined,
      asset: 'A1',
      labels: {},
      revision: 2,
      updatedAt: second.body.updatedAt,
    })
  })

  test('are found by id, and by MAC address in any spelling', async () => {
    const { body } = await api.ask('PUT', here, {})
    for (const key of [
      body.id,
      body.id.toUpperCase(),
      '525400123456',
      '5254.0012.3456',
      '52:54:00:12:34:56',
      '52%3A54%3A00%3A12%3A34%3A56',
      '01-52-54-00-12-34-56',
    ]) {
      const found = await api.ask('GET', `/api/v1/machines/${key}`)
      expect([key, found.status, found.body.id]).toEqual([key, 200, body.id])
    }
  })

  test('are changed by PATCH in the given fields, and null clears a field', async () => {
    await api.ask('PUT', here, {
      hostname: 'node1',
      asset: 'A1',
      labels: { rack: 'b4' },
      assignment: { args: ['quiet'] },
    })
    const { status, body } = await api.ask('PATCH', here, { asset: null, labels: null, denied: true })
    expect(status).toBe(200)
    expect(body).toMatchObject({ hostname: 'node1', labels: {}, denied: true, assignment: { args: ['quiet'] } })
    expect(body).not.toHaveProperty('asset')
    expect((await api.ask('PATCH', here, { assignment: null })).body).not.toHaveProperty('assignment')
  })

  test('that are discovered can be entered with their ETag, or with If-None-Match', async () => {
    for (const headers of [{ 'if-match': 'its own' }, { 'if-none-match': '*' }] as Record<string, string>[]) {
      await recordDiscovered(database(), { mac }, { max: 10, maxPerAddress: 10 })
      const etag = (await api.ask('GET', here)).headers.get('etag') as string
      if (headers['if-match']) headers['if-match'] = etag
      const entered = await api.ask('PATCH', here, { hostname: 'web1' }, headers)
      expect([entered.status, entered.body.discovered]).toEqual([200, false])
      expect((await api.ask('PATCH', here, { hostname: 'web2' }, headers)).status).toBe(412)
      await api.ask('DELETE', here)
    }
  })

  test('do not exist after DELETE', async () => {
    await api.ask('PUT', here, {})
    expect(await api.ask('DELETE', here)).toMatchObject({ status: 204, body: '' })
    for (const [method, body] of [['GET'], ['DELETE'], ['PATCH', {}]] as const) {
      const reply = await api.ask(method, here, body)
      expect([method, reply.status, reply.type, reply.body.detail]).toEqual([
        method,
        404,
        'application/problem+json',
        `there is no machine ${mac}`,
      ])
    }
    expect((await api.ask('PUT', '/api/v1/machines/0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f', {})).status).toBe(404)
  })

  test('are listed in pages and with filters', async () => {
    for (let n = 1; n <= 5; n++) await api.ask('PUT', `/api/v1/machines/52540000000${n}`, { hostname: `n${n}` })
    await recordDiscovered(database(), { mac: '52:54:00:00:00:99' }, { max: 10, maxPerAddress: 10 })
    const names: string[][] = []
    let next: string | undefined
    do {
      const page = await api.ask(
        'GET',
        `/api/v1/machines?limit=2&discovered=false${next === undefined ? '' : `&after=${next}`}`,
      )
      names.push(page.body.items.map((item: { hostname: string }) => item.hostname))
      next = page.body.next
    } while (next !== undefined)
    expect(names).toEqual([['n1', 'n2'], ['n3', 'n4'], ['n5']])
    const discovered = await api.ask('GET', '/api/v1/machines?discovered=true')
    expect(discovered.body.items.map((item: { macs: string[] }) => item.macs)).toEqual([['52:54:00:00:00:99']])
    expect((await api.ask('GET', '/api/v1/machines?hostname=N3')).body.items).toHaveLength(1)
    expect((await api.ask('GET', '/api/v1/machines?limit=6')).body.next).toBeUndefined()
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['after=here', 'after'],
    ['discovered=maybe', 'discovered'],
    ['colour=red', 'colour'],
    ['hostname=a_b', 'hostname'],
    ['limit=1&limit=2', 'limit'],
  ])('refuse the list query %s', async (query, field) => {
    const { status, body } = await api.ask('GET', `/api/v1/machines?${query}`)
    expect([status, body.errors[0].field]).toEqual([422, field])
  })

  const long = 'x'.repeat(129)
  test.each<[string, object, string]>([
    ['an unknown field', { color: 'red' }, 'color'],
    ['an unknown field inside', { assignment: { img: 'a' } }, 'assignment.img'],
    ['a host name with an underscore', { hostname: 'a_b' }, 'hostname'],
    ['a host name that ends with a hyphen', { hostname: 'a-' }, 'hostname'],
    ['a label of a host name with 64 characters', { hostname: 'a'.repeat(64) }, 'hostname'],
    ['a placeholder for a UUID', { uuid: '03000200-0400-0500-0006-000700080009' }, 'uuid'],
    ['a serial that is too long', { serial: long }, 'serial'],
    ['a serial with a NUL', { serial: 'a\0b' }, 'serial'],
    ['half a surrogate pair', { asset: '\ud800' }, 'asset'],
    ['an empty product', { product: ' ' }, 'product'],
    ['a label with a capital', { labels: { Rack: 'b4' } }, 'labels.Rack'],
    ['a label with a line break', { labels: { rack: 'a\nb' } }, 'labels.rack'],
    ['65 labels', { labels: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`l${n}`, 'x'])) }, 'labels'],
    ['65 arguments', { assignment: { args: Array.from({ length: 65 }, () => 'x') } }, 'assignment.args'],
    ['an argument with a space', { assignment: { args: ['ok', 'a b'] } }, 'assignment.args[1]'],
    ['an argument with a tab', { assignment: { args: ['a\tb'] } }, 'assignment.args[0]'],
    ['an empty argument', { assignment: { args: [''] } }, 'assignment.args[0]'],
    ['an argument that never closes its braces', { assignment: { args: ['a={{boot.url'] } }, 'assignment.args[0]'],
    ['an argument of 1025 characters', { assignment: { args: ['a'.repeat(1025)] } }, 'assignment.args[0]'],
    ['no MAC', { macs: [] }, 'macs'],
    ['a multicast MAC', { macs: ['01:00:5e:00:00:01'] }, 'macs[0]'],
    ['an image that is not there', { assignment: { image: 'nope' } }, 'assignment.image'],
    ['a boot program with a path', { assignment: { bootProgram: '../ipxe.efi' } }, 'assignment.bootProgram'],
    ['a boot program with a line break', { assignment: { bootProgram: 'a\nb.efi' } }, 'assignment.bootProgram'],
    ['a boot program of an unknown kind', { assignment: { bootProgram: 'setup.exe' } }, 'assignment.bootProgram'],
    ['an unknown way of proxyDHCP', { assignment: { proxy: 'menu' } }, 'assignment.proxy'],
    ['denied by a word', { denied: 'yes' }, 'denied'],
  ])('name the wrong field: %s', async (_, body, field) => {
    const reply = await api.ask('PUT', here, body)
    expect([reply.status, reply.type, reply.body.errors?.map((item: { field: string }) => item.field)]).toEqual([
      422,
      'application/problem+json',
      [field],
    ])
    expect((await api.ask('GET', here)).status).toBe(404)
  })

  test('are refused with every wrong field, its value and the expected value', async () => {
    const { body } = await api.ask('PUT', here, { hostname: 'a_b', denied: 1 })
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Content',
      status: 422,
      detail: 'hostname: expected a host name (RFC 1123), got "a_b"; denied: expected a boolean, got "1"',
      errors: [
        { field: 'hostname', value: 'a_b', expected: 'a host name (RFC 1123)' },
        { field: 'denied', value: '1', expected: 'a boolean' },
      ],
    })
  })

  test('accept an argument with Liquid and spaces inside its braces', async () => {
    const args = ['url={{ boot.url }}/x', 'console=ttyS0,115200n8', 'a="b"']
    expect((await api.ask('PUT', here, { assignment: { args } })).body.assignment).toEqual({ args })
  })

  test('get a notice if their boot program is not served', async () => {
    const { body, status } = await api.ask('PUT', here, { assignment: { bootProgram: 'site.efi' } })
    expect([status, body.assignment]).toEqual([201, { bootProgram: 'site.efi' }])
    expect(body.notices).toEqual([
      'this server has no boot program site.efi, so firmware gets the default. Present: undionly.kpxe, ipxe.efi, snponly.efi, ipxe-arm64.efi. To add a file, put it into the folder of boot programs and restart the server',
    ])
    const changed = await api.ask('PATCH', here, { assignment: { bootProgram: 'ipxe.efi' } })
    expect([changed.body.assignment, changed.body.notices]).toEqual([{ bootProgram: 'ipxe.efi' }, undefined])
  })

  test('conflict over a MAC address of another machine', async () => {
    await api.ask('PUT', here, {})
    const { status, body } = await api.ask('PUT', '/api/v1/machines/525400000002', { macs: [mac] })
    expect([status, body.detail]).toEqual([
      409,
      `MAC ${mac} already belongs to machine ${mac}: bootwright machine set ${mac} --remove-mac ${mac}`,
    ])
    expect((await api.ask('GET', '/api/v1/machines/525400000002')).status).toBe(404)
  })

  test('refuse a key that is neither an id nor a MAC address', async () => {
    const { status, body } = await api.ask('GET', '/api/v1/machines/ff:ff:ff:ff:ff:ff')
    expect([status, body.errors]).toEqual([
      422,
      [
        {
          field: 'id',
          value: 'ff:ff:ff:ff:ff:ff',
          expected: 'a MAC address, a UUID, an id or a host name of a machine',
        },
      ],
    ])
  })

  test('with an unknown MAC address are previewed by the policy, and nothing is recorded', async () => {
    const script = await api.ask('GET', `${here}/script?baseUrl=http://192.0.2.1:8080`)
    expect([script.status, script.type]).toEqual([200, 'text/plain; charset=UTF-8'])
    expect(script.body).toMatch(/^#!ipxe\n(# lost: .*\n)+# won: policy local: /)
    expect(script.body).toMatch(
      /\nimgfetch --name ready http:\/\/192\.0\.2\.1:8080\/b\/preview\/ready .*\n#.*\nexit 1\n$/,
    )
    const { body } = await api.ask('GET', `${here}/decision?arch=arm64&platform=efi`)
    expect(body.target).toEqual({ arch: 'arm64', platform: 'efi', assumed: [] })
    expect(body.spec).toEqual({ kind: 'local', method: 'exit-1' })
    expect((await api.ask('GET', '/api/v1/machines')).body.items).toEqual([])
  })

  test('are previewed with their facts, which the query overrides', async () => {
    const facts = { mac, buildarch: 'i386', platform: 'pcbios' } as const
    const machine = await recordDiscovered(database(), facts, { max: 10, maxPerAddress: 10 })
    const target = async (query: string) =>
      (await api.ask('GET', `/api/v1/machines/${machine?.id}/decision${query}`)).body.target
    expect(await target('')).toMatchObject({ arch: 'x86_64', platform: 'pcbios' })
    expect(await target('?arch=i386')).toMatchObject({ arch: 'i386', platform: 'pcbios' })
    expect(await target('?arch=arm64&platform=efi')).toMatchObject({ arch: 'arm64', platform: 'efi' })
    expect((await api.ask('GET', '/api/v1/machines/0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f/script')).status).toBe(404)
    expect((await api.ask('GET', `${here}/script?arch=amd64`)).status).toBe(422)
  })
})
