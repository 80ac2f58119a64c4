import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { getAsIpxe } from '../../helpers/boot-server.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
  await operator.run('image', 'add', 'disk', '--local')
})
afterAll(() => operator.stop())

const machineOf = async (mac: string) => JSON.parse((await operator.run('machine', 'show', mac, '--json')).out)

test('machine set creates a machine, prints its settings, and changes nothing when repeated', async () => {
  const argv = [
    'machine',
    'set',
    '5254.0012.3401',
    '--image',
    'disk',
    '--hostname',
    'web1',
    '--label',
    'rack=b4',
    '--serial',
    'S1',
  ]
  const first = await operator.run(...argv)
  expect(first).toEqual({
    exitCode: 0,
    out: '52:54:00:12:34:01 web1: boots disk, labels rack=b4\n',
    err: [
      'concerns 1 machine:',
      '  1: nothing: there is no such machine -> image disk version 1',
      'to see the script: bootwright preview 52:54:00:12:34:01\n',
    ].join('\n'),
  })
  const before = await machineOf('52:54:00:12:34:01')
  const again = await operator.run(...argv)
  expect(again).toMatchObject({ exitCode: 0, out: first.out, err: expect.stringContaining('concerns 0 machines\n') })
  const { updatedAt: _, ...after } = await machineOf('52:54:00:12:34:01')
  expect(before).toMatchObject(after)
})

test('machine set keeps the fields that it is not given', async () => {
  const mac = '52:54:00:12:34:02'
  await operator.run(
    'machine',
    'set',
    mac,
    '--image',
    'disk',
    '--arg',
    'a=1',
    '--arg',
    'b',
    '--label',
    'rack=b4',
    '--label',
    'row=2',
    '--serial',
    'S2',
  )
  await operator.run(
    'machine',
    'set',
    mac,
    '--label',
    'rack=',
    '--label',
    'site=x=y',
    '--mac',
    '52-54-00-12-34-92',
    '--deny',
    '--serial',
    '',
  )
  const changed = await machineOf(mac)
  expect(changed).toMatchObject({
    macs: ['52:54:00:12:34:02', '52:54:00:12:34:92'],
    assignment: { image: 'disk', args: ['a=1', 'b'] },
    labels: { row: '2', site: 'x=y' },
    denied: true,
  })
  expect(changed.labels).not.toHaveProperty('rack')
  expect(changed).not.toHaveProperty('serial')
  expect((await operator.run('machine', 'set', '52:54:00:12:34:92', '--allow', '--no-image')).out).toBe(
    '52:54:00:12:34:02 52:54:00:12:34:92: boots by group or policy, labels row=2 site=x=y\n',
  )
  expect(await machineOf(mac)).not.toHaveProperty('assignment')
})

test('machine set with only --no-image creates a machine', async () => {
  expect((await operator.run('machine', 'set', '52:54:00:12:34:03', '--no-image', '--asset', '')).out).toBe(
    '52:54:00:12:34:03: boots by group or policy\n',
  )
})

test('every wrong field is reported on its own line', async () => {
  const { exitCode, err } = await operator.run(
    'machine',
    'set',
    '52:54:00:12:34:04',
    '--hostname',
    'a_b',
    '--uuid',
    'x',
  )
  expect(exitCode).toBe(1)
  expect(err).toBe(
    'bootwright: uuid: expected a UUID, and not a vendor\'s placeholder, got "x"\nhostname: expected a host name (RFC 1123), got "a_b"\n',
  )
})

test('an image that does not exist is refused by name', async () => {
  const { exitCode, err } = await operator.run('machine', 'set', '52:54:00:12:34:04', '--image', 'none')
  expect({ exitCode, err }).toEqual({
    exitCode: 1,
    err: 'bootwright: assignment.image: expected the name of an image, got "none"\n',
  })
})

test.each([
  [['machine', 'set', '52:54:00'], 'Expected a MAC address, a UUID or a host name.'],
  [
    ['machine', 'set', '52:54:00:12:34:04', '--deny', '--allow'],
    "option '--deny' cannot be used with option '--allow'",
  ],
  [['machine', 'set', '52:54:00:12:34:04', '--label', '=x'], 'Expected KEY=VALUE.'],
  [['machine', 'boot'], "unknown command 'boot'"],
  [['preview', '52:54:00:12:34:04', '--arch', 'vax'], 'Allowed choices are x86_64, i386, arm64.'],
])('wrong usage %j has exit code 2 and prints %s', async (argv, message) => {
  const { exitCode, out, err } = await operator.run(...argv)
  expect(exitCode).toBe(2)
  expect(out).toBe('')
  expect(err).toContain(message)
})

test('machine list pages through all machines', async () => {
  for (let index = 0; index < 120; index++) {
    const mac = `52:54:00:00:01:${index.toString(16).padStart(2, '0')}`
    await saveMachine(operator.boot.deps.db, { mac }, {}, {}, 'tester')
  }
  const { items } = JSON.parse((await operator.run('machine', 'list', '--json')).out)
  const macs = items
    .flatMap((item: { macs: string[] }) => item.macs)
    .filter((mac: string) => mac.startsWith('52:54:00:00:01:'))
  expect(new Set(macs).size).toBe(120)
  const table = (await operator.run('machine', 'list', '--image', 'disk')).out.split('\n')
  expect(table[0]).toBe('MAC                HOSTNAME  BOOTS  STATE  PRODUCT  LAST SEEN')
  expect(table[1]).toBe('52:54:00:12:34:01  web1      disk')
})

test('a discovered machine is listed with its reported facts, without control characters', async () => {
  await getAsIpxe(`${operator.boot.url}/ipxe?mac=52:54:00:12:34:05&product=Box%C2%9B31m&platform=efi&buildarch=x86_64`)
  const { out } = await operator.run('machine', 'list', '--discovered')
  expect(out).toMatch(/^52:54:00:12:34:05 +by group or policy +discovered +\S.*Z$/m)
  expect(out).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  const text = (await operator.run('machine', 'show', '52:54:00:12:34:05')).out
  expect(text).toMatch(/^reported platform +efi$/m)
})

test('a deleted machine is not found', async () => {
  await operator.run('machine', 'set', '52:54:00:12:34:06')
  expect(await operator.run('machine', 'delete', '52:54:00:12:34:06')).toEqual({
    exitCode: 0,
    out: '',
    err: 'machine 52:54:00:12:34:06 deleted\nconcerns 1 machine:\n  1: the local disk -> nothing: there is no such machine\n',
  })
  expect(await operator.run('machine', 'show', '52:54:00:12:34:06')).toEqual({
    exitCode: 1,
    out: '',
    err: 'bootwright: there is no machine 52:54:00:12:34:06\n',
  })
})
