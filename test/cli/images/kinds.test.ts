import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../helpers/boot-server.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
const at = (...names: string[]) => join(operator.folder, ...names)
const hashOf = (name: string) => sha256(Buffer.from(name))
const ref = (name: string, content = name) => ({ sha256: hashOf(content), name })

beforeAll(async () => {
  operator = await startOperator({ maxFileBytes: 4_000_000 })
  await mkdir(at('media', 'images'), { recursive: true })
  for (const name of ['vmlinuz', 'wimboot', 'bcd', 'boot.sdi', 'boot.wim', 'live.iso', 'media/images/install.img'])
    await writeFile(at(name), name.split('/').at(-1) as string)
  await writeFile(at('media', '.treeinfo'), '.treeinfo')
  await symlink(at('live.iso'), at('media', 'linked.iso'))
})
afterAll(() => operator.stop())

const add = (...argv: string[]) => operator.run('image', 'add', ...argv)
const variantOf = async (name: string) =>
  JSON.parse((await operator.run('image', 'show', name, '--json')).out).variants[0]
const show = async (name: string) => (await operator.run('image', 'show', name)).out

test('image add adds wimboot with the files of Windows PE under their names', async () => {
  const files = [
    '--file',
    `BCD=${at('bcd')}`,
    '--file',
    at('boot.sdi'),
    '--file',
    `${at('boot.wim')}#sha256=${hashOf('boot.wim')}`,
  ]
  const { exitCode } = await add('winpe', '--wimboot', at('wimboot'), ...files, '--arg', 'index=2')
  expect(exitCode).toBe(0)
  expect(await variantOf('winpe')).toEqual({
    arch: 'x86_64',
    kind: 'wimboot',
    wimboot: ref('wimboot'),
    files: [ref('BCD', 'bcd'), ref('boot.sdi'), ref('boot.wim')],
    args: ['index=2'],
  })
  expect(await show('winpe')).toContain(
    `x86_64 any platform: Windows PE\n  wimboot  ${hashOf('wimboot')}  wimboot\n  file     ${hashOf('bcd')}  BCD\n`,
  )
})

test('image add adds an ISO that boots over HTTP', async () => {
  expect((await add('live', '--iso', at('live.iso'), '--platform', 'efi')).exitCode).toBe(0)
  expect(await variantOf('live')).toEqual({ arch: 'x86_64', platform: 'efi', kind: 'sanboot', file: ref('live.iso') })
  expect(await show('live')).toContain('x86_64 efi: disk over the network\n  file    ')
})

test('image add adds an iSCSI disk with the names of secrets as passwords', async () => {
  const target = 'iscsi:{{ params.portal }}::::iqn.2026-01.org.example:{{ machine.hostname }}'
  const chap = ['--chap-user', '{{ secrets.chap_user }}', '--chap-secret', 'chap_password']
  const reverse = ['--chap-reverse-user', 'target', '--chap-reverse-secret', 'chap_reverse']
  const { exitCode } = await add(
    'san',
    '--san',
    target,
    '--initiator',
    'iqn.2026-01.org.example:m',
    ...chap,
    ...reverse,
  )
  expect(exitCode).toBe(0)
  expect(await variantOf('san')).toEqual({
    arch: 'x86_64',
    kind: 'sanboot',
    target,
    initiator: 'iqn.2026-01.org.example:m',
    chap: {
      username: '{{ secrets.chap_user }}',
      password: 'chap_password',
      reverse: { username: 'target', password: 'chap_reverse' },
    },
  })
  expect(await show('san')).toContain(
    `  target   ${target}\n  as       iqn.2026-01.org.example:m\n  CHAP     as {{ secrets.chap_user }} with secret chap_password\n`,
  )
})

test('image add adds a tree of single files and folders', async () => {
  const tree = ['--tree', at('media'), '--tree', `casper/filesystem.squashfs=${at('boot.wim')}`]
  const { exitCode, err } = await add('fedora', '--kernel', at('vmlinuz'), ...tree, '--arg', 'inst.stage2={{ tree }}')
  expect([exitCode, err]).toEqual([0, expect.stringContaining('tree install.img: 11 B')])
  expect((await variantOf('fedora')).tree).toEqual([
    { path: '.treeinfo', sha256: hashOf('.treeinfo') },
    { path: 'images/install.img', sha256: hashOf('install.img') },
    { path: 'linked.iso', sha256: hashOf('live.iso') },
    { path: 'casper/filesystem.squashfs', sha256: hashOf('boot.wim') },
  ])
  expect(await show('fedora')).toContain('  tree    4 files, .treeinfo, images/install.img, linked.iso, casper/')
})

test.each([
  [['--kernel', 'x', '--tree', '/nowhere'], 1, '/nowhere: cannot read the folder'],
  [['--kernel', 'x', '--tree', 'a=ftp://127.0.0.1/x'], 2, 'Expected a path, or an http or https URL.'],
  [['--iso', 'x', '--tree', 'y'], 2, '--tree needs --kernel'],
  [['--wimboot', 'x'], 2, '--wimboot needs a --file for each file of Windows PE'],
  [['--iso', 'x', '--file', 'y'], 2, '--file needs --wimboot'],
  [['--iso', 'x', '--initiator', 'y'], 2, '--initiator needs --san'],
  [['--san', 'iscsi:a::::iqn.x', '--chap-user', 'y'], 2, '--chap-user and --chap-secret go together'],
  [['--san', 'http://127.0.0.1/x'], 1, 'target: expected iscsi:SERVER:PROTOCOL:PORT:LUN:IQN (RFC 4173)'],
])('image add with %j has exit code %i: %s', async (argv, exitCode, message) => {
  const result = await add('refused', ...argv)
  expect([result.exitCode, result.err]).toEqual([exitCode, expect.stringContaining(message)])
})
