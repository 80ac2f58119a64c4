import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getAsIpxe, unwrapped } from '../../helpers/boot-server.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
const mac = '52:54:00:12:34:56'

beforeAll(async () => {
  operator = await startOperator()
  const kernel = join(operator.folder, 'vmlinuz')
  await writeFile(kernel, 'kernel')
  await operator.run('image', 'add', 'debian', '--kernel', kernel, '--arg', 'quiet')
})
afterAll(() => operator.stop())

const run = async (...argv: string[]) => {
  const { exitCode, out, err } = await operator.run(...argv)
  expect([exitCode, err]).toEqual([0, expect.not.stringMatching(/^bootwright:/)])
  return out
}

test('groups are set with typed conditions, listed by priority, and explained', async () => {
  await run(
    'group',
    'set',
    'all',
    '--everybody',
    '--arg',
    'console=ttyS0',
    '--param',
    'dns=["1.1.1.1"]',
    '--param',
    'site=north',
  )
  expect(
    await run(
      'group',
      'set',
      'dell',
      '--where',
      'product^=PowerEdge',
      '--where',
      'label.rack@=b4,b5',
      '--priority',
      '5',
      '--image',
      'debian',
    ),
  ).toBe('dell (priority 5): product^=PowerEdge label.rack@=b4,b5: debian\n')
  const list = await run('group', 'list')
  expect(list).toMatch(/^dell +5 +product\^=PowerEdge label\.rack@=b4,b5 +debian$/m)
  expect(list).toMatch(/^all +0 +every machine +with console=ttyS0, params dns site$/m)
  expect(list.indexOf('dell')).toBeLessThan(list.indexOf('all'))

  await run('machine', 'set', mac, '--product', 'PowerEdge R1', '--label', 'rack=b4', '--hostname', 'web1')
  const explained = await run('explain', mac)
  expect(explained).toMatch(/^boots {3}debian version 1, linux$/m)
  expect(explained).toMatch(/^args {4}quiet console=ttyS0$/m)
  expect(explained).toMatch(/^param {3}dns=\["1\.1\.1\.1"\]$/m)
  expect(explained).toMatch(/^yes {5}group dell \(priority 5, 2 conditions\): matches, and boots image debian$/m)
  expect(await run('explain', '--as', 'mac=52-54-00-00-00-09&product=X1')).toMatch(
    /^no {6}group dell does not match: it requires product prefix "PowerEdge", but the machine has "X1"$/m,
  )
  await run('group', 'delete', 'dell')
  expect((await operator.run('group', 'show', 'dell')).err).toBe('bootwright: there is no group dell\n')
})

test.each([
  ['group', 'set', 'x', '--where', 'product'],
  ['group', 'set', 'x', '--where', 'colour=red'],
  ['explain'],
  ['explain', mac, '--as', 'mac=x'],
  ['deployment', 'arm', '--image', 'debian'],
  ['secret', 'set', 'password'],
  ['secret', 'set', 'Pass-Word', '--group', 'all'],
  ['machine', 'set', mac, '--param', 'x'],
  ['machine', 'set', mac, '--local-boot', 'efi=jump'],
])('%s %s %s %s %s exits with a usage error', async (...argv) => {
  const { exitCode, err } = await operator.run(...argv.filter((item) => item !== undefined))
  // A condition may also be refused by the server.
  expect([exitCode > 0, err]).toEqual([true, expect.stringMatching(/^(error:|bootwright:)/)])
})

test('machine set prints the menu, local disk, answer file, params and local boot method', async () => {
  const other = '52:54:00:12:34:57'
  await operator.runWith('x', 'answer-file', 'set', 'any', '-')
  await writeFile(join(operator.folder, 'preseed.cfg'), 'd-i {{ params.disk }} {{ secrets.password }}\n')
  expect(await run('answer-file', 'set', 'preseed', join(operator.folder, 'preseed.cfg'))).toBe(
    'preseed version 1: preseed.cfg\n',
  )
  const set = (...more: string[]) => run('machine', 'set', other, ...more)
  expect(await set('--local', '--local-boot', 'efi=\\EFI\\a.efi', '--local-boot', 'pcbios=exit-0')).toBe(
    `${other}: boots local disk, efi disk by \\EFI\\a.efi, pcbios disk by exit-0\n`,
  )
  expect(await set('--image', 'debian', '--every-boot', '--answer-file', 'preseed', '--param', 'disk=sda')).toBe(
    `${other}: boots debian, at every boot, answers preseed, params disk, efi disk by \\EFI\\a.efi, pcbios disk by exit-0\n`,
  )
  expect(await set('--param', 'n=5', '--answer-file', '')).toContain('boots debian, at every boot, params disk n, efi')
  expect(await set('--no-image')).toBe(`${other}: boots by group or policy\n`)
})

test('answer files have versions, and previews with asterisks for secrets', async () => {
  const file = join(operator.folder, 'ks.cfg')
  await writeFile(file, 'rootpw {{ secrets.password }}\n')
  await run('answer-file', 'set', 'ks', file)
  await writeFile(file, 'rootpw {{ secrets.password }} {{ machine.hostname }}\n')
  expect(await run('answer-file', 'set', 'ks', file)).toBe('ks version 2: ks.cfg\n')
  expect(await run('answer-file', 'versions', 'ks')).toMatch(/^2 +yes +ks\.cfg .*\n1 + +ks\.cfg/m)
  await run('machine', 'set', mac, '--image', 'debian', '--every-boot', '--answer-file', 'ks', '--hostname', 'web1')
  expect((await operator.run('preview', mac, '--answers')).err).toBe(
    'bootwright: document ks.cfg: expected valid Liquid whose names have values, got "secrets.password is not set"\n',
  )
  expect((await operator.runWith('hunter2\n', 'secret', 'set', 'password', '--machine', mac)).err).toBe(
    'secret password set\n',
  )
  expect(await run('preview', mac, '--answers')).toBe('rootpw ******** web1\n')
  expect(await run('secret', 'list', '--machine', mac)).toMatch(/^password +20/m)
  await run('secret', 'delete', 'password', '--machine', mac)
  expect(await run('answer-file', 'use', 'ks', '1')).toBe('ks version 1: ks.cfg\n')
  await writeFile(file, '{{ machine.hostnam }}')
  expect((await operator.run('answer-file', 'set', 'ks', file)).err).toMatch(/there is no machine\.hostnam/)
  expect(await run('answer-file', 'show', 'ks')).toBe('==> ks.cfg <==\nrootpw {{ secrets.password }}\n')
})

test('a menu is set from JSON and shown as on the screen of a machine', async () => {
  const menu = {
    title: 'Choose',
    timeoutSeconds: 10,
    defaultEntry: 'disk',
    entries: [
      { name: 'disk', text: 'The disk', kind: 'local' },
      { name: 'install', text: 'Install', kind: 'image', image: 'debian', hotkey: 'i' },
    ],
  }
  const { out, exitCode } = await operator.runWith(JSON.stringify(menu), 'menu', 'set', 'main', '-')
  expect([exitCode, out]).toEqual([0, expect.stringContaining('main: Choose  disk after 10 s\n')])
  expect(out).toMatch(/^i +install +Install +image debian$/m)
  expect((await operator.runWith('{', 'menu', 'set', 'main', '-')).err).toMatch(/^bootwright: -: expected JSON: /)
  expect(await run('policy', 'set', 'menu', 'main')).toBe('menu: machines without an image show menu main\n')
  expect((await operator.run('menu', 'delete', 'main')).err).toBe('bootwright: menu main is used by the policy\n')
  await run('policy', 'set', 'local')
  await run('menu', 'delete', 'main')
})

test('a deployment can be armed, seen on the screen and in lists, and cancelled', async () => {
  const third = '52:54:00:12:34:58'
  await run('machine', 'set', third, '--local', '--label', 'rack=z9')
  const armed = await run('deployment', 'arm', third, '--image', 'debian', '--attempts', '2')
  const [, id = ''] = /^(\S{36}): debian armed, 0 of 2 attempts\n$/.exec(armed) ?? []
  expect(unwrapped(await run('preview', third))).toContain('installs debian version 1 (x86_64 efi, attempt 1 of 2)')
  expect((await operator.run('deployment', 'arm', third, '--image', 'debian')).err).toContain(
    `active deployment: ${id}`,
  )
  const script = await getAsIpxe(`${operator.boot.url}/ipxe?mac=${third}&platform=efi&buildarch=x86_64`)
  await fetch(`${/(http:\S+\/b\/[^/\s]+)\/ready/.exec(script)?.[1]}/ready`)
  expect(await run('deployment', 'list', '--machine', third)).toMatch(/ debian +started +1 of 2 +operator /)
  expect(await run('deployment', 'cancel', id)).toBe(
    `${id}: debian cancelled, 1 of 2 attempts: an operator cancelled the deployment\n`,
  )
  expect(await run('deployment', 'arm', '--where', 'label.rack=z9', '--image', 'debian', '--dry-run')).toBe(
    '1 machines would be armed, 0 skipped\n',
  )
  const boot = (await run('boots', '--machine', third)).split('\n')[1]?.split(/\s+/).at(-1) as string
  expect(await run('boots', 'show', boot, '--why')).toMatch(/^yes {5}deployment \S+: installs debian, attempt 1 of 2$/m)
  expect(await run('boots', 'show', boot, '--script')).toMatch(/^#!ipxe\n[\s\S]*\/b\/…\/ready/)
})

test('an import of exported machines changes nothing, and bad rows are reported by line', async () => {
  const exported = await run('machine', 'export')
  const rows = exported.trim().split('\n').length
  const again = await operator.runWith(exported, 'machine', 'import', '-')
  expect(again.out).toBe(`${rows} rows: 0 created, 0 changed, ${rows} unchanged, 0 bad\n`)
  const csv = 'mac,hostname,label.rack\n52-54-00-00-00-01,n1,b4\nnonsense,n2,b4\n'
  const mixed = await operator.runWith(csv, 'machine', 'import', '-', '--csv')
  expect([mixed.exitCode, mixed.out]).toEqual([1, '2 rows: 1 created, 0 changed, 0 unchanged, 1 bad\n'])
  expect(mixed.err).toMatch(
    /^line 3: mac: expected .*, got "nonsense"\nconcerns 1 machine:\n.*\nbootwright: 1 bad row\n$/,
  )
  const all = await operator.runWith(csv.replace('n1', 'n9'), 'machine', 'import', '-', '--csv', '--atomic')
  expect(all.out).toContain('1 bad, and nothing was changed')
  expect(await run('machine', 'show', '525400000001')).toMatch(/^hostname +n1$/m)
  expect(await run('machine', 'export', '--csv')).toMatch(/^mac.*\n/)
})

test('two machines are merged, and the audit log has the actor', async () => {
  await run('machine', 'set', '52:54:00:00:00:0a', '--hostname', 'left')
  await run('machine', 'set', '52:54:00:00:00:0b', '--serial', 'S2')
  expect(await run('machine', 'merge', '52:54:00:00:00:0a', '--from', '52:54:00:00:00:0b')).toMatch(
    /: 52:54:00:00:00:0a 52:54:00:00:00:0b\n$/,
  )
  expect(await run('machine', 'conflicts')).toBe('LAST SEEN  COUNT  REASON\n')
  const log = await run('changes', '--of', '52:54:00:00:00:0a')
  expect(log).toMatch(/^20\S+ \S+ +operator +machine\.merged +\S{36} +.*serial: nothing -> "S2"/m)
  expect(log).toMatch(/machine\.created +\S{36} .*hostname: "left"/)
})

test('a webhook is added with a secret, switched off and on, and deleted', async () => {
  const { out, err } = await operator.run('webhook', 'add', 'http://127.0.0.1:1/x', '--type', 'deployment')
  expect(out).toMatch(/^whsec_\S{44}\n$/)
  const id = /webhook (\S{36})/.exec(err)?.[1] as string
  await run('webhook', 'off', id)
  expect(await run('webhook', 'list')).toMatch(/^http:\/\/127\.0\.0\.1:1\/x +deployment +off +20/m)
  await run('webhook', 'on', id)
  expect(await run('webhook', 'dead', id)).toBe('CREATED  ATTEMPTS  ERROR  ID\n')
  await run('webhook', 'delete', id)
  expect(await run('webhook', 'list')).not.toContain(id)
})
