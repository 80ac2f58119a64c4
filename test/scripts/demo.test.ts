import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHintKeeper, hint, isAtEnd } from '../../scripts/demo/console.ts'
import { findBootServer } from '../../scripts/demo/server.ts'
import { programDir } from '../../src/lib/program-dir.ts'
import { startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'

describe('the console of the demo', () => {
  test.each([
    ['SeaBIOS', '\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS'],
    ['iPXE', '\x1b[2J\x1b[1;1HiPXE'],
    ['EDK2', '\x1b[2J\x1b[01;01H\x1b[=3h\x1b[2J\x1b[01;01HBdsDxe'],
  ])('keeps the hint how to stop it after %s', (_, text) => {
    const keep = createHintKeeper()
    const output = keep(text)
    expect(output).toContain(hint)
    expect(output).not.toMatch(/\x1b\[2J|\x1bc|\x1b\[\?7l|\x1b\[=3h/)
  })

  test('finds an escape sequence that arrives in two parts', () => {
    const keep = createHintKeeper()
    expect(keep('a\x1b[2') + keep('Jb')).toBe(`a\r\n${hint}\r\nb`)
    expect(keep('c\x1b') + keep('[1md')).toBe('c\x1b[1md')
  })

  test('does not change colours and full-screen programs', () => {
    const text = '\x1b[H\x1b[J\x1b[31mred\x1b[0m\x1b[5;7Hx'
    expect(createHintKeeper()(text)).toBe(text)
  })

  test.each([
    ['Boot failed: not a bootable disk\r\n\r\nNo bootable device.', true],
    ['\x1b[08;01H\x1b[1m\x1b[33mShell> \x1b[0m', true],
    ['BdsDxe: No bootable option or device was found.', true],
    ['Booting from Hard Disk...', false],
  ])('recognizes the last message of firmware: %j', (text, end) => expect(isAtEnd(text)).toBe(end))
})

describe('the server of the demo', () => {
  let server: TestBootServer
  let allowed = true
  beforeAll(async () => {
    server = await startTestBootServer({ allows: () => allowed })
  })
  afterAll(() => server.stop())

  test('has the URL from the settings, as the guest reaches it', async () => {
    const env = { BOOTWRIGHT_BOOT_LISTEN: `127.0.0.1:${server.port}` }
    expect(await findBootServer(env)).toBe(`http://10.0.2.2:${server.port}`)
    expect(await findBootServer({}, server.port)).toBe(`http://10.0.2.2:${server.port}`)
    expect(await findBootServer({ BOOTWRIGHT_BOOT_LISTEN: `127.0.0.2:1` }, server.port).catch(String)).toContain(
      `http://127.0.0.2:${server.port}/healthz`,
    )
    const baseUrl = 'http://boot.example.org:8080'
    expect(await findBootServer({ ...env, BOOTWRIGHT_BASE_URL: baseUrl })).toBe(baseUrl)
  })

  test('is named with the next step if it is unreachable or refuses', async () => {
    await expect(findBootServer({}, 1)).rejects.toThrow(/http:\/\/127\.0\.0\.1:1\/healthz.*npm start.*--port/)
    await expect(findBootServer({ BOOTWRIGHT_BOOT_LISTEN: '[::1]:8080' })).rejects.toThrow('has only IPv4')
    allowed = false
    await expect(findBootServer({}, server.port)).rejects.toThrow('BOOTWRIGHT_BOOT_SUBNETS')
  })
})

describe('npm run demo', () => {
  const demo = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', ...args], {
      cwd: join(programDir),
      encoding: 'utf8',
    })
    return { status, stdout, stderr }
  }

  test('prints its options with --help', () => {
    const { status, stdout } = demo('--help')
    expect(status).toBe(0)
    for (const option of ['--mac', '--efi', '--disk', '--memory', '--port']) expect(stdout).toContain(option)
  })

  test.each([
    [['--mac', 'zz'], 'demo: --mac: expected a MAC address, got "zz"'],
    [['--port', '70000'], 'demo: --port: expected a whole number from 1 to 65535, got "70000"'],
    [['--memory', 'much'], 'demo: --memory: expected a whole number'],
    [['--bogus'], 'demo: Unknown option'],
  ])('names the fault of %j, without a stack trace', (args, fault) => {
    const { status, stderr } = demo(...args)
    expect(status).toBe(1)
    expect(stderr).toContain(fault)
    expect(stderr).toContain('npm run demo -- --help')
    expect(stderr).not.toMatch(/^ +at /m)
  })
})
