import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getAsIpxe } from '../helpers/boot-server.ts'
import { type Operator, startOperator } from '../helpers/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
  for (const name of ['ubuntu', 'rocky']) await run('image', 'add', name, '--local')
})
afterAll(() => operator.stop())

/** Runs a command line that must succeed, and returns its output. */
async function run(...argv: string[]): Promise<string> {
  const { exitCode, out, err } = await operator.run(...argv)
  expect([exitCode, exitCode === 0 ? '' : err]).toEqual([0, ''])
  return out
}
const show = async (noun: string, name: string) => JSON.parse(await run(noun, 'show', name, '--json'))

describe('set keeps the fields that it is not given', () => {
  test('for a group: conditions, priority, title, args and params', async () => {
    await run(
      'group',
      'set',
      'ring0',
      '--where',
      'label.ring=0',
      '--where',
      'product^=Thin',
      '--priority',
      '7',
      '--title',
      'Canaries',
      '--image',
      'ubuntu',
      '--arg',
      'quiet',
      '--param',
      'tz=UTC',
      '--param',
      'disk=sda',
    )
    const before = await show('group', 'ring0')
    await run('group', 'set', 'ring0', '--image', 'rocky')
    const { revision: _, updatedAt: __, ...after } = await show('group', 'ring0')
    expect(before).toMatchObject({ ...after, assignment: { ...after.assignment, image: 'ubuntu' } })
    await run(
      'group',
      'set',
      'ring0',
      '--param',
      'tz=CET',
      '--clear',
      'param.disk',
      '--clear',
      'args',
      '--clear',
      'title',
    )
    expect(await show('group', 'ring0')).toMatchObject({
      title: '',
      priority: 7,
      selector: before.selector,
      assignment: { image: 'rocky', params: { tz: 'CET' } },
    })
    expect((await show('group', 'ring0')).assignment).not.toHaveProperty('args')
  })

  test('for a group, and only --everybody makes it match every machine', async () => {
    const without = await operator.run('group', 'set', 'lab', '--image', 'ubuntu')
    expect([without.exitCode, without.err]).toEqual([2, expect.stringContaining('--everybody')])
    await run('group', 'set', 'lab', '--where', 'serial=L1', '--image', 'ubuntu')
    expect((await operator.run('group', 'set', 'lab', '--replace', '--image', 'rocky')).exitCode).toBe(2)
    expect((await show('group', 'lab')).selector).toHaveLength(1)
    expect(await run('group', 'set', 'lab', '--everybody')).toContain('every machine')
    expect((await operator.run('group', 'set', 'lab', '--everybody', '--where', 'serial=L1')).exitCode).toBe(2)
    await run('group', 'set', 'lab', '--replace', '--where', 'serial=L2')
    expect(await show('group', 'lab')).toMatchObject({ selector: [{ fact: 'serial', equals: 'L2' }], assignment: {} })
    await run('group', 'delete', 'lab')
  })

  test('for a menu: title, entries and default', async () => {
    const entries = [{ name: 'disk', text: 'Disk', kind: 'local' }]
    const set = async (body: object, ...more: string[]) =>
      expect((await operator.runWith(JSON.stringify(body), 'menu', 'set', 'rack', '-', ...more)).err).toBe(
        'concerns 0 machines\n',
      )
    await set({ title: 'Rack', timeoutSeconds: 9, defaultEntry: 'disk', entries })
    await set({ timeoutSeconds: 30 })
    expect(await show('menu', 'rack')).toMatchObject({
      title: 'Rack',
      timeoutSeconds: 30,
      defaultEntry: 'disk',
      entries,
    })
    await set({ timeoutSeconds: null })
    expect(await show('menu', 'rack')).not.toHaveProperty('timeoutSeconds')
    await set({ title: 'Again', entries }, '--replace')
    expect(await show('menu', 'rack')).not.toHaveProperty('defaultEntry')
  })

  test('for an answer file: other documents, title and media types', async () => {
    const set = async (text: string, ...argv: string[]) =>
      expect((await operator.runWith(text, 'answer-file', 'set', 'seed', ...argv)).exitCode).toBe(0)
    const put = {
      title: 'Seed',
      documents: ['user-data', 'meta-data'].map((name) => ({ name, mediaType: 'text/yaml', text: name })),
    }
    await fetchApi('PUT', '/answer-files/seed', put)
    await fetchApi('PATCH', '/answer-files/seed', { documents: [{ name: 'user-data', text: 'new' }] })
    const { body } = await fetchApi('GET', '/answer-files/seed')
    expect(body).toMatchObject({
      title: 'Seed',
      version: 2,
      documents: [
        { name: 'user-data', mediaType: 'text/yaml', text: 'new' },
        { name: 'meta-data', mediaType: 'text/yaml', text: 'meta-data' },
      ],
    })
    await set('', '--remove', 'meta-data')
    expect((await fetchApi('GET', '/answer-files/seed')).body.documents).toHaveLength(1)
    const last = await operator.run('answer-file', 'set', 'seed', '--remove', 'user-data')
    expect([last.exitCode, last.err]).toEqual([1, expect.stringContaining('1 to 8 documents')])
    const wrong = await operator.run('answer-file', 'set', 'seed', '--remove', 'nothing')
    expect([wrong.exitCode, wrong.err]).toEqual([1, expect.stringContaining('one of user-data')])
  })
})

/** The API, over its socket. */
async function fetchApi(method: string, path: string, body?: object) {
  const { request } = await import('node:http')
  const { join } = await import('node:path')
  const text = await new Promise<string>((resolve, reject) => {
    const asked = request(
      {
        socketPath: join(operator.folder, 'admin.sock'),
        method,
        path: `/api/v1${path}`,
        headers: { 'content-type': 'application/json' },
      },
      (response) => {
        let all = ''
        response.setEncoding('utf8').on('data', (part) => {
          all += part
        })
        response.on('end', () => resolve(all))
      },
    )
    asked.on('error', reject).end(body && JSON.stringify(body))
  })
  return { body: text === '' ? undefined : JSON.parse(text) }
}

describe('a machine is found', () => {
  const mac = '0a:00:27:00:10:01'
  const uuid = '4c4c4544-0051-3610-8052-c2c04f485731'

  test('by host name, UUID in either byte order, id or any spelling of a MAC', async () => {
    await run('machine', 'set', mac, '--hostname', 'db7.example.org', '--uuid', uuid)
    const { id } = await show('machine', mac)
    const swapped = '44454c4c-5100-1036-8052-c2c04f485731'
    for (const name of [
      'db7.example.org',
      'DB7.example.org',
      uuid,
      uuid.toUpperCase(),
      swapped,
      id,
      '0a0027-001001',
      '0A00-2700-1001',
    ])
      expect((await show('machine', name)).id).toBe(id)
    await run('machine', 'set', 'db7.example.org', '--asset', 'A7', '--hostname', 'db8')
    expect(await show('machine', 'db8')).toMatchObject({ id, asset: 'A7', name: 'db8' })
    expect(await run('explain', 'db8')).toContain('local')
    expect(await run('preview', 'db8')).toContain('#!ipxe')
    expect(await run('changes', '--of', 'db8')).toContain('machine.changed')
    expect(await run('boots', '--machine', 'db8')).toContain('STARTED')
    const unknown = await operator.run('machine', 'set', 'db9', '--asset', 'x')
    expect(unknown.err).toBe(
      'bootwright: there is no machine db9; to create it: bootwright machine set MAC --hostname db9\n',
    )
  })

  test('except by a host name of two machines, which is refused with both machines', async () => {
    const [first, second] = ['0a:00:27:00:10:0a', '0a:00:27:00:10:0b'] as const
    await run('machine', 'set', first, '--hostname', 'twin')
    const warned = await operator.run('machine', 'set', second, '--hostname', 'twin')
    expect(warned.err).toContain(`notice: other machines have the host name twin too: ${first}`)
    const refused = await operator.run('machine', 'delete', 'twin')
    expect([refused.exitCode, refused.err]).toEqual([
      1,
      `bootwright: several machines have the host name twin: ${first} and ${second}. Next step: use the MAC of one machine\n`,
    ])
    await getAsIpxe(`${operator.boot.url}/ipxe?mac=${second}`)
    expect(await run('boots', '--machine', second)).toContain(second)
    await run('machine', 'delete', first)
    await getAsIpxe(`${operator.boot.url}/ipxe?mac=${second}`)
    expect((await run('boots', '--machine', second)).split('\n')[1]).toContain('twin')
  })

  test('and its MACs are changed, but a MAC of another machine is refused with its name', async () => {
    const [old, fresh] = ['0a:00:27:00:20:01', '0a:00:27:00:20:02'] as const
    await run('machine', 'set', old, '--hostname', 'swap')
    await run('machine', 'set', 'swap', '--mac', fresh, '--remove-mac', old)
    expect((await show('machine', 'swap')).macs).toEqual([fresh])
    const last = await operator.run('machine', 'set', 'swap', '--remove-mac', fresh)
    expect([last.exitCode, last.err]).toEqual([1, expect.stringContaining('at least one MAC address, or else a UUID')])
    await run('machine', 'set', 'swap', '--uuid', '4c4c4544-0037-3610-8054-b7c04f4e9932')
    await run('machine', 'set', 'swap', '--remove-mac', fresh)
    expect((await show('machine', 'swap')).macs).toEqual([])
    await run('machine', 'set', 'swap', '--add-mac', fresh)
    const none = await operator.run('machine', 'set', 'swap', '--remove-mac', old)
    expect([none.exitCode, none.err]).toEqual([1, expect.stringContaining(fresh)])
    await run('machine', 'set', old, '--hostname', 'owner')
    const taken = await operator.run('machine', 'set', 'swap', '--mac', old)
    expect([taken.exitCode, taken.err]).toEqual([
      1,
      `bootwright: MAC ${old} already belongs to machine owner: bootwright machine set owner --remove-mac ${old}\n`,
    ])
  })
})

test('machine list filters by label and fact, prints only ids, and stays readable', async () => {
  const args = Array.from({ length: 40 }, (_, n) => ['--arg', `option${n}=${'v'.repeat(60)}`]).flat()
  await run(
    'machine',
    'set',
    '0a:00:27:00:30:01',
    '--label',
    'room=x',
    '--label',
    'row=1',
    '--product',
    'Thin 3',
    '--image',
    'ubuntu',
    ...args,
  )
  await run('machine', 'set', '0a:00:27:00:30:02', '--label', 'room=x')
  await getAsIpxe(
    `${operator.boot.url}/ipxe?mac=0a:00:27:00:30:02&manufacturer=Acme&product=Thin%203&platform=efi&buildarch=x86_64`,
  )
  const ids = async (...argv: string[]) =>
    (await run('machine', 'list', '-q', ...argv)).trimEnd().split('\n').filter(Boolean)
  expect(await ids('--label', 'room=x')).toHaveLength(2)
  expect(await ids('--label', 'room=x', '--label', 'row=1')).toHaveLength(1)
  expect(await ids('--label', 'room=x', '--limit', '1')).toHaveLength(1)
  expect(await ids('--fact', 'manufacturer=Acme')).toEqual([(await show('machine', '0a:00:27:00:30:02')).id])
  expect(await ids('--fact', 'product=Thin 3', '--label', 'row=1')).toHaveLength(1)
  expect((await operator.run('machine', 'list', '--fact', 'colour=red')).err).toContain('manufacturer')
  const lines = (await run('machine', 'list', '--label', 'room=x')).split('\n')
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(180)
  expect(lines[1]).toContain('ubuntu, with option0=')
  expect(lines[1]).toContain('…')
})

test('boots and changes are listed since a time, and changes are followed from a position', async () => {
  await getAsIpxe(`${operator.boot.url}/ipxe?mac=0a:00:27:00:40:01`)
  expect((await run('boots', '--since', '1h')).split('\n').length).toBeGreaterThan(2)
  expect((await run('boots', '--since', '2999-01-01T00:00:00Z')).trimEnd().split('\n')).toHaveLength(1)
  expect((await run('changes', '--since', '2999-01-01T00:00:00Z')).trimEnd().split('\n')).toHaveLength(1)
  expect((await operator.run('boots', '--since', 'yesterday')).exitCode).toBe(2)
  const help = await run('changes', '--help')
  expect(help).toContain('--after <place>')
})

test('a dry run of an import shows each change by field, and changes nothing', async () => {
  const mac = '0a:00:27:00:50:01'
  await run(
    'machine',
    'set',
    mac,
    '--hostname',
    'dry1',
    '--label',
    'ring=1',
    '--label',
    'room=x',
    '--param',
    'disk=sda',
  )
  const rows = [
    { mac, labels: { ring: null, row: '2' }, assignment: { params: { tz: 'UTC' } } },
    { mac: '0a:00:27:00:50:02', hostname: 'dry2' },
  ]
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
  const dry = await operator.runWith(text, 'machine', 'import', '-', '--dry-run')
  expect(dry.out.split('\n')).toEqual([
    'line 1: dry1 changed: labels.ring: "1" -> nothing; labels.row: nothing -> "2"; assignment.params.tz: nothing -> "UTC"',
    expect.stringMatching(/^line 2: dry2 created: macs: \["0a:00:27:00:50:02"\]; hostname: "dry2"/),
    '2 rows: 1 created, 1 changed, 0 unchanged, 0 bad, and nothing was changed',
    '',
  ])
  expect(await show('machine', mac)).toMatchObject({ labels: { ring: '1', room: 'x' } })
  const csv = `mac,label.row,param.tz\n${mac},2,UTC\n`
  await operator.runWith(text, 'machine', 'import', '-')
  expect((await operator.runWith(csv, 'machine', 'import', '-', '--csv')).out).toContain('1 unchanged')
  expect(await show('machine', mac)).toMatchObject({
    labels: { room: 'x', row: '2' },
    assignment: { params: { disk: 'sda', tz: 'UTC' } },
  })
})

test('preview --answers of a refused machine prints the refusal and the next command', async () => {
  const mac = '0a:00:27:00:60:01'
  await run('machine', 'set', mac, '--hostname', 'gone1', '--deny')
  expect(await run('preview', mac, '--answers')).toBe(
    'refused: machine gone1 is denied; to allow it: bootwright machine set 0a:00:27:00:60:01 --allow\n',
  )
  expect(await run('preview', mac)).toContain(`echo Next step: to allow it: bootwright machine set ${mac} --allow`)
})

test('deployments are listed with the names of their machines', async () => {
  await run('machine', 'set', '0a:00:27:00:70:01', '--hostname', 'named7')
  await run('deployment', 'arm', 'named7', '--image', 'ubuntu')
  expect((await run('deployment', 'list', '--machine', 'named7')).split('\n')[1]).toContain('named7')
})

test('webhook set changes the given fields, and keeps the others', async () => {
  await run('webhook', 'add', 'https://a.example/hook', '--type', 'deployment')
  const hooks = async () => JSON.parse(await run('webhook', 'list', '--json')).items
  const [{ id }] = await hooks()
  await run('webhook', 'set', id, '--to', 'https://b.example/hook')
  expect(await hooks()).toMatchObject([{ url: 'https://b.example/hook', types: ['deployment'] }])
  await run('webhook', 'set', id, '--every-type')
  expect(await hooks()).toMatchObject([{ url: 'https://b.example/hook', types: [] }])
})

test('the bare API address redirects to the documentation', async () => {
  const page = await fetch(`${operator.adminUrl}/api/v1`)
  expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')])
})
