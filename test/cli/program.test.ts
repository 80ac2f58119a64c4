import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { listSettings } from '../../src/config/config.ts'
import { readVersion } from '../../src/lib/program-dir.ts'
import { getAsIpxe } from '../helpers/boot-server.ts'
import { type Operator, run, startOperator, startWeb } from '../helpers/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator.stop())

test('serve runs the server, and its help shows every setting', async () => {
  let served = 0
  const { exitCode } = await run({}, ['serve'], async () => {
    served++
  })
  expect({ exitCode, served }).toEqual({ exitCode: 0, served: 1 })
  const help = await run({}, ['serve', '--help'])
  expect(help.exitCode).toBe(0)
  for (const { name, meaning } of listSettings())
    expect(help.out.split('\n').some((line) => line.startsWith(name) && line.endsWith(meaning))).toBe(true)
})

test('--version prints the version, also in a folder without a server', async () => {
  expect(await run({}, ['--version'])).toEqual({ exitCode: 0, out: `${readVersion()}\n`, err: '' })
})

test('every command prints the next step if no server answers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-none-'))
  const hint = 'start one with npm start, or set BOOTWRIGHT_URL and BOOTWRIGHT_TOKEN\n'
  const argv = ['machine', 'list']
  expect((await run({ BOOTWRIGHT_DATA_DIR: folder }, argv)).err).toBe(
    `bootwright: no server answers at ${folder}/admin.sock: ${hint}`,
  )
  expect((await run({ BOOTWRIGHT_URL: 'http://127.0.0.1:1' }, argv)).err).toBe(
    `bootwright: no server answers at http://127.0.0.1:1: ${hint}`,
  )
  expect((await run({ BOOTWRIGHT_DATA_DIR: join(folder, 'x'.repeat(200)) }, argv)).err).toContain(
    'is too long for a socket',
  )
  expect((await run({ BOOTWRIGHT_URL: 'here' }, argv)).err).toBe(
    'bootwright: BOOTWRIGHT_URL: expected http://host:port, got "here"\n',
  )
  await writeFile(join(folder, 'admin.sock'), '')
  expect((await run({ BOOTWRIGHT_DATA_DIR: folder }, argv)).err).toContain('no server answers at')
  await rm(folder, { recursive: true })
})

test('an address that is not the admin API is reported', async () => {
  const web = await startWeb((_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'))
  expect(await run({}, ['--url', web.url, 'machine', 'set', '52:54:00:12:34:56'])).toEqual({
    exitCode: 1,
    out: '',
    err: `bootwright: ${web.url} answered 404: expected the admin address of Bootwright\n`,
  })
  await web.stop()
})

test('a token from the socket is valid at the admin address until it is revoked', async () => {
  const made = await operator.run('token', 'create', 'ci')
  expect(made.out).toMatch(/^bw_[\w-]{43}\n$/)
  const env = { BOOTWRIGHT_URL: operator.adminUrl, BOOTWRIGHT_TOKEN: made.out.trim() }
  expect((await run(env, ['image', 'list'])).exitCode).toBe(0)
  expect((await run({ BOOTWRIGHT_URL: operator.adminUrl }, ['image', 'list'])).err).toBe(
    'bootwright: expected the header Authorization: Bearer TOKEN\nset BOOTWRIGHT_TOKEN, or --token, to a valid token\n',
  )
  const listed = (await run({}, ['token', 'list', '--url', operator.adminUrl, '--token', env.BOOTWRIGHT_TOKEN])).out
  const [, id = ''] = /^(\S{36}) {2}ci /m.exec(listed) ?? []
  expect(made.err).toBe(`token ${id}: save it, it is shown only once\n`)
  expect((await operator.run('token', 'revoke', id)).err).toBe(`token ${id} revoked\n`)
  expect((await run(env, ['image', 'list'])).exitCode).toBe(1)
})

test('the policy is shown and set', async () => {
  expect((await operator.run('policy', 'show')).out).toBe(
    'local: machines without an image boot from their local disk\n',
  )
  expect((await operator.run('policy', 'set', 'wait')).out).toBe(
    'wait: machines without an image wait until an image is assigned\n',
  )
  expect(JSON.parse((await operator.run('policy', 'show', '--json')).out)).toEqual({ kind: 'wait' })
  expect((await operator.run('policy', 'set', 'image', 'none')).err).toBe(
    'bootwright: image: expected the name of an image, got "none"\n',
  )
  expect((await operator.run('policy', 'set', 'image')).exitCode).toBe(2)
  expect((await operator.run('policy', 'set', 'local', 'x')).exitCode).toBe(2)
  expect((await operator.run('policy', 'set', 'local')).exitCode).toBe(0)
})

test('preview prints the script, explain prints the reasons, and neither records a boot', async () => {
  const mac = '52:54:00:12:34:57'
  const script = await operator.run('preview', mac)
  expect(script.out).toMatch(/^#!ipxe\n/)
  expect(script.out).toContain('52:54:00:12:34:57')
  const kernel = join(operator.folder, 'vmlinuz')
  await writeFile(kernel, 'kernel')
  await operator.run('image', 'add', 'linux', '--arch', 'arm64', '--kernel', kernel, '--arg', 'quiet')
  await operator.run('machine', 'set', mac, '--image', 'linux', '--hostname', 'web7')
  expect((await operator.run('explain', mac, '--arch', 'arm64', '--platform', 'efi')).out).toBe(
    [
      'boots   linux version 1, linux',
      'args    quiet',
      'target  arm64 efi',
      `yes     machine web7: identified by MAC ${mac}`,
      'yes     assignment: the machine is assigned image linux',
      'no      policy local: the machine has an assignment of its own',
      'yes     variant arm64 any platform of linux version 1: matches arm64 efi',
      'no      boot program: no boot program for UEFI arm64 is present; expected snponly-arm64.efi or ipxe-arm64.efi\n',
    ].join('\n'),
  )
  expect((await operator.run('explain', mac)).out).toContain(
    'boots   refused: image linux has no variant for x86_64 efi;',
  )
  expect((await operator.run('boots')).out).toBe('STARTED  MACHINE  IMAGE  STAGE  OUTCOME  MESSAGE  ID\n')
})

test('boots are listed newest first with their last stage, and a boot is shown with its stages', async () => {
  const mac = '52:54:00:12:34:58'
  await operator.run('machine', 'set', mac, '--image', 'linux', '--hostname', 'web8')
  const ask = `${operator.boot.url}/ipxe?mac=${mac}&platform=efi&buildarch=`
  await getAsIpxe(`${ask}x86_64`)
  const script = await getAsIpxe(`${ask}arm64`)
  const [, report = ''] = /(http:\S+\/b\/[^/\s]+)\/ready/.exec(script) ?? []
  await fetch(`${report}/booted?message=up`)

  const [headings, first = '', second] = (await operator.run('boots', '--machine', mac)).out.split('\n')
  expect(headings).toMatch(/^STARTED +MACHINE +IMAGE +STAGE +OUTCOME +MESSAGE +ID$/)
  expect(first).toMatch(/Z {2}web8 +linux v1 +booted +booted +up +\S{36}$/)
  expect(second).toMatch(
    /Z {2}web8 +linux v1 +script +failed +image linux has no variant for x86_64 efi; existing variants: arm64 any platform +\S{36}$/,
  )
  expect(
    JSON.parse((await operator.run('boots', '--outcome', 'booted', '--limit', '1', '--json')).out).items,
  ).toHaveLength(1)
  expect((await operator.run('boots', '--limit', '1')).out.trimEnd().split('\n')).toHaveLength(2)
  expect((await operator.run('boots', '--limit', '0')).exitCode).toBe(2)

  const text = (await operator.run('boots', 'show', first.slice(-36))).out
  expect(text).toMatch(/^machine +web8\nmac +52:54:00:12:34:58\naddress +127\.0\.0\.1\nimage +linux v1$/m)
  expect(text).toMatch(/^outcome +booted$/m)
  expect(text.split('\n\n')[1]).toMatch(
    /^TIME +AFTER +STAGE +FILE +BYTES +TOOK +MESSAGE\n.* script .*\n.* s +booted +up\n$/,
  )
})
