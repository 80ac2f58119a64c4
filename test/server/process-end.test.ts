import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { freePort } from '../../scripts/servers/free-port.ts'
import { programDir } from '../../src/lib/program-dir.ts'
import { createFresh } from '../helpers/database.ts'

// Errors that the server does not catch. A signal makes the server throw one.
const faults = `
process.on('SIGUSR2', () => setImmediate(() => { throw new Error('thrown for a test', { cause: new Error('the reason') }) }))
process.on('SIGPWR', () => void Promise.reject(new Error('rejected for a test', { cause: 'another reason' })))`

// Every test starts the whole program, which takes a while on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const postgresUrl = inject('postgresUrl')
let folder: string
let port: number
let child: ChildProcess
let output: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-end-'))
  await writeFile(join(folder, 'faults.mjs'), faults)
  port = await freePort()
  output = ''
})
afterEach(async () => {
  for (const pid of [...serverPids(), child.pid as number]) signal(pid, 'SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

const start = async (command: string, args: string[], env: Record<string, string> = {}) => {
  child = spawn(command, args, {
    cwd: programDir,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      BOOTWRIGHT_DATA_DIR: join(folder, 'data'),
      BOOTWRIGHT_TFTP_LISTEN: 'off',
      BOOTWRIGHT_BOOT_LISTEN: `127.0.0.1:${port}`,
      BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
      // PostgreSQL opens faster than the embedded database.
      ...(postgresUrl && { DATABASE_URL: await createFresh(postgresUrl) }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text))
  await serving(1)
}
/** Waits until the server has started this number of times. */
const serving = (times: number) =>
  expect.poll(() => output.match(/^ *boot HTTP/gm)?.length ?? output, { timeout: 60_000 }).toBe(times)
const gone = async () => {
  await expect.poll(serverPids, { timeout: 30_000 }).toEqual([])
  expect(await listens(port)).toBe(false)
}
/** The processes of the server under test, found by the data folder in their environment. */
function serverPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => read(pid, 'cmdline').includes('dist/main.js') && read(pid, 'environ').includes(`${folder}/data`))
}
function read(pid: number, what: string): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'latin1')
  } catch {
    return ''
  }
}
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {}
}
function listens(on: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(on, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

describe('an uncaught error', () => {
  test.each([
    ['SIGUSR2' as const, 'thrown for a test', 'the reason'],
    ['SIGPWR' as const, 'rejected for a test', 'another reason'],
  ])('is logged with its cause, and ends the whole process (%s)', async (name, message, cause) => {
    await start(process.execPath, ['dist/main.js', 'serve'], { NODE_OPTIONS: `--import ${join(folder, 'faults.mjs')}` })
    const exited = once(child, 'exit')
    child.kill(name)
    expect(await exited).toEqual([1, null])
    const line = output.split('\n').find((text) => text.includes('uncaught error'))
    expect(JSON.parse(line ?? '{}')).toMatchObject({ level: 60, error: message, stack: expect.stringContaining(cause) })
    await gone()
  })
})

describe('npm start', () => {
  test.each([
    ['npm gets SIGTERM', () => child.pid as number, 'SIGTERM' as const],
    ['npm is killed', () => child.pid as number, 'SIGKILL' as const],
    ['scripts/start.js is killed', () => starterPid(), 'SIGKILL' as const],
    ['scripts/start.js gets SIGHUP, as from a closed terminal', () => starterPid(), 'SIGHUP' as const],
  ])('leaves no server behind if %s', async (_, who, name) => {
    await start('npm', ['start', '--silent'])
    expect(serverPids().length).toBe(1)
    process.kill(who(), name)
    await gone()
  })

  test('restarts a server that was killed, but not a server that never started', async () => {
    await start('npm', ['start', '--silent'])
    const [first] = serverPids()
    process.kill(first as number, 'SIGKILL')
    await expect.poll(() => serverPids().filter((pid) => pid !== first).length, { timeout: 20_000 }).toBe(1)
    await serving(2)
    child.kill('SIGTERM')
    await gone()
    const again = spawn('npm', ['start', '--silent'], {
      cwd: programDir,
      env: { PATH: process.env.PATH ?? '', HOME: folder, BOOTWRIGHT_BOOT_LISTEN: 'nonsense' },
      stdio: 'ignore',
    })
    expect((await once(again, 'exit'))[0]).not.toBe(0)
  })

  function starterPid(): number {
    const parent = /^PPid:\s+(\d+)$/m.exec(read(serverPids()[0] as number, 'status'))?.[1]
    return Number(parent)
  }
})
