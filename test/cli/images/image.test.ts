import { randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../helpers/boot-server.ts'
import { type Operator, startOperator, startWeb } from '../../helpers/operator.ts'

const kernel = randomBytes(700_001)
const initrd = randomBytes(300_007)
let operator: Operator
let web: Awaited<ReturnType<typeof startWeb>>
const asked: string[] = []

beforeAll(async () => {
  operator = await startOperator({ maxFileBytes: 4_000_000 })
  await writeFile(join(operator.folder, 'vmlinuz'), kernel)
  web = await startWeb((request, response) => {
    const url = request.url ?? ''
    asked.push(url)
    const hop = /^\/hop(\d+)$/.exec(url)?.[1]
    if (hop !== undefined)
      response
        .writeHead(302, { location: Number(hop) > 1 ? `/hop${Number(hop) - 1}` : '/pool/initrd%20v1.gz?key=1' })
        .end('elsewhere')
    else if (url.startsWith('/pool/')) response.setHeader('content-length', initrd.length).end(initrd)
    else if (url === '/cut')
      response
        .writeHead(200, { 'content-length': initrd.length })
        .write(initrd.subarray(0, 1000), () => setTimeout(() => response.destroy(), 20))
    else if (url === '/stall')
      response.writeHead(200, { 'content-length': initrd.length }).write(initrd.subarray(0, 1000))
    else if (url === '/ftp') response.writeHead(301, { location: 'ftp://127.0.0.1/x' }).end()
    else if (url === '/empty') response.end()
    else if (url !== '/silent') response.writeHead(404).end()
  })
})
afterAll(async () => {
  await web.stop()
  await operator.stop()
})

const add = (...argv: string[]) => operator.run('image', 'add', ...argv)
const imageOf = async (name: string) => JSON.parse((await operator.run('image', 'show', name, '--json')).out)
const local = () => join(operator.folder, 'vmlinuz')

test('image add uploads a local kernel and a downloaded initrd, and prints one line for each', async () => {
  const result = await add(
    'debian',
    '--kernel',
    local(),
    '--initrd',
    `${web.url}/hop5`,
    '--arg',
    'console=ttyS0',
    '--arg',
    'quiet',
    '--title',
    'Debian 12',
  )
  expect(result).toEqual({
    exitCode: 0,
    out: 'debian version 1: x86_64 any platform\n',
    err: [
      `kernel vmlinuz: 700.0 kB, sha256 ${sha256(kernel)}, uploaded`,
      `initrd hop5: 300.0 kB, sha256 ${sha256(initrd)}, uploaded`,
      'boot it: bootwright machine set MAC --image debian\n',
    ].join('\n'),
  })
  expect(await imageOf('debian')).toMatchObject({
    title: 'Debian 12',
    variants: [
      {
        arch: 'x86_64',
        kind: 'linux',
        kernel: { sha256: sha256(kernel), name: 'vmlinuz' },
        initrds: [{ sha256: sha256(initrd), name: 'hop5' }],
        args: ['console=ttyS0', 'quiet'],
      },
    ],
  })
  expect(await operator.boot.deps.store.size(sha256(kernel))).toBe(kernel.length)
})

test('image add with an existing variant uploads nothing and adds no version; another arch is added', async () => {
  const again = ['image', 'add', 'twice', '--kernel', local()]
  await operator.run(...again)
  expect(await operator.run(...again)).toMatchObject({
    out: 'twice version 1, as before: x86_64 any platform\n',
    err: expect.stringContaining(`kernel vmlinuz: 700.0 kB, sha256 ${sha256(kernel)}, already on the server\n`),
  })
  expect((await add('twice', '--arch', 'arm64', '--platform', 'efi', '--efi', local())).out).toBe(
    'twice version 2: x86_64 any platform, arm64 efi\n',
  )
  expect((await add('twice', '--local')).out).toBe('twice version 3: x86_64 any platform, arm64 efi\n')
  expect((await imageOf('twice')).variants).toEqual([
    { arch: 'x86_64', kind: 'local' },
    { arch: 'arm64', platform: 'efi', kind: 'efi', file: { sha256: sha256(kernel), name: 'vmlinuz' }, args: [] },
  ])
})

test('image add does not download a URL whose hash is already stored', async () => {
  await add('known', '--kernel', `${web.url}/pool/first`)
  asked.length = 0
  const { exitCode, err } = await add(
    'known',
    '--kernel',
    `${web.url}/pool/initrd%20v1.gz#sha256=${sha256(initrd).toUpperCase()}`,
  )
  expect(exitCode).toBe(0)
  expect(err).toContain(`kernel initrd_v1.gz: sha256 ${sha256(initrd)}, already on the server\n`)
  expect(asked).toEqual([])
})

test.each([
  ['/hop6', 'redirects more than 5 times'],
  ['/cut', `the connection closed early after 1000 of ${initrd.length} bytes`],
  ['/stall', `no data for 0.3 s after 1000 of ${initrd.length} bytes`],
  ['/silent', 'no data for 0.3 s'],
  ['/missing', 'answered 404 Not Found'],
  ['/ftp', 'redirects to a URL that is neither http nor https'],
  ['/empty', 'empty: expected a file with content, got 0 bytes'],
])('a download of %s fails: %s', async (path, why) => {
  const { exitCode, out, err } = await add('broken', '--kernel', `${web.url}${path}`)
  expect({ exitCode, out }).toEqual({ exitCode: 1, out: '' })
  expect(err).toContain(why)
  expect((await operator.run('image', 'show', 'broken')).err).toBe('bootwright: there is no image broken\n')
  expect((await readdir(tmpdir())).filter((name) => /^bootwright-download-[^-]{6}$/.test(name))).toEqual([])
})

test('image add verifies an expected hash before the upload, and names both hashes', async () => {
  const wrong = 'ab'.repeat(32)
  for (const place of [local(), `${web.url}/pool/vmlinuz`]) {
    const actual = place === local() ? sha256(kernel) : sha256(initrd)
    const { exitCode, err } = await add('wrong', '--kernel', `${place}#sha256=${wrong}`)
    expect({ exitCode, err }).toEqual({
      exitCode: 1,
      err:
        place === local()
          ? `bootwright: vmlinuz: expected sha256 ${wrong}, got ${actual}\n`
          : `bootwright: ${web.url}/pool/vmlinuz: expected sha256 ${wrong}, got ${actual}\n`,
    })
  }
})

test('a file that is too large for the server is refused with its reason', async () => {
  const large = join(operator.folder, 'large')
  await writeFile(large, randomBytes(5_000_000))
  const { exitCode, err } = await add('large', '--ipxe', large)
  expect({ exitCode, err }).toEqual({
    exitCode: 1,
    err: 'bootwright: file too large: expected at most 4000000 bytes\n',
  })
})

test.each([
  [['--kernel', '/nowhere/vmlinuz'], 1, '/nowhere/vmlinuz: no such file'],
  [['--kernel', '/'], 1, '/: expected a file'],
  [['--kernel', 'ftp://127.0.0.1/x'], 2, 'Expected a path, or an http or https URL.'],
  [['--kernel', 'x#sha256=12'], 2, 'Expected 64 hexadecimal digits after #sha256=.'],
  [
    [],
    1,
    'no recipe named refused; to list the recipes: bootwright image recipes; to add a variant without a recipe: --kernel or another option',
  ],
  [['--arg', 'quiet'], 2, 'machine set MAC --arg ARG'],
  [['--platform', 'efi'], 2, 'expected exactly one of --kernel, --wimboot, --efi, --ipxe, --iso, --san or --local'],
  [['--local', '--mirror', 'http://192.0.2.1'], 2, '--mirror needs a recipe'],
  [['--local', '--arch', 'arm64', '--arch', 'x86_64'], 2, '--arch can be repeated only for a recipe'],
  [
    ['--local', '--ipxe', 'x'],
    2,
    'expected exactly one of --kernel, --wimboot, --efi, --ipxe, --iso, --san or --local',
  ],
  [['--local', '--initrd', 'x'], 2, '--initrd needs --kernel'],
  [['--ipxe', 'x', '--arg', 'y'], 2, '--arg needs --kernel, --wimboot or --efi'],
])('image add with %j has exit code %i: %s', async (argv, exitCode, message) => {
  const result = await add('refused', ...argv)
  expect(result.exitCode).toBe(exitCode)
  expect(result.err).toContain(message)
})

test('images are listed and shown, and deleted if nothing refers to them', async () => {
  await add('gone', '--ipxe', local(), '--title', 'To be gone')
  expect((await operator.run('image', 'list')).out).toMatch(/^gone +1 +x86_64 any platform +To be gone +20.*Z$/m)
  expect((await operator.run('image', 'show', 'gone')).out).toContain(
    `\n\nx86_64 any platform: iPXE script\n  file    ${sha256(kernel)}  vmlinuz\n`,
  )
  await operator.run('policy', 'set', 'image', 'gone')
  expect((await operator.run('image', 'delete', 'gone')).err).toBe('bootwright: image gone is used by the policy\n')
  await operator.run('policy', 'set', 'local')
  expect(await operator.run('image', 'delete', 'gone')).toEqual({
    exitCode: 0,
    out: '',
    err: 'image gone deleted\n',
  })
})
