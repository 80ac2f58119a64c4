import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { freePort } from '../../scripts/servers/free-port.ts'
import { maxWaitingCharacters, openLogOutput } from '../../src/lib/log-output.ts'
import { programDir } from '../../src/lib/program-dir.ts'
import { createFresh } from '../helpers/database.ts'
import { canMount } from '../helpers/power-disk.ts'

vi.setConfig({ testTimeout: 120_000 })

const formatNotice = (dropped: number) => `dropped ${dropped}\n`

async function openSmallDisk(): Promise<{ folder: string; fill: () => void; free: () => void }> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-log-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder])
  onTestFinished(async () => {
    // Lazy unmount: a process that was killed a moment ago may still hold its log open.
    execFileSync('umount', ['-l', folder])
    await rm(folder, { recursive: true })
  })
  const other = join(folder, 'other')
  return {
    folder,
    fill: () => execFileSync('sh', ['-c', `cat /dev/zero > '${other}' 2>/dev/null || true`]),
    free: () => rmSync(other),
  }
}

test.runIf(canMount)(
  'lines that do not fit on a full disk are dropped and counted, and later lines are written',
  async () => {
    const { folder, fill, free } = await openSmallDisk()
    const file = join(folder, 'log')
    const descriptor = openSync(file, 'a')
    onTestFinished(() => closeSync(descriptor))
    const output = openLogOutput(descriptor, formatNotice)
    const content = () => readFileSync(file, 'utf8')
    output.write('first\n')
    await vi.waitUntil(() => content() === 'first\n')
    fill()
    // Longer than the free part of the file's only page.
    const long = `${'x'.repeat(5000)}\n`
    output.write(long)
    await vi.waitUntil(() => content().length === 4096)
    output.write('lost\n')
    output.write('lost as well\n')
    output.flushSync()
    free()
    output.write('last\n')
    await vi.waitUntil(() => content().endsWith('last\n'))
    // Depending on the timing, a line is either written completely, or dropped and counted.
    const lines = content().split('\n').slice(2)
    expect(lines.slice(-2)).toEqual(['last', ''])
    const counted = lines.map((line) => Number(/^dropped (\d+)$/.exec(line)?.[1] ?? 0))
    const written = lines.filter((line) => line === 'lost' || line === 'lost as well')
    expect(counted.reduce((sum, count) => sum + count) + written.length).toBe(3)
    expect(counted.reduce((sum, count) => sum + count)).toBeGreaterThan(0)
  },
)

test('lines without a reader wait in bounded memory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-log-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  const descriptor = openSync(pipe, 'r+')
  const output = openLogOutput(descriptor, formatNotice)
  const line = `${'y'.repeat(99_999)}\n`
  const count = 2 * Math.ceil(maxWaitingCharacters / line.length)
  for (let index = 0; index < count; index++) output.write(line)
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(reader, 'exit')
  const lines: string[] = []
  let text = ''
  reader.stdout.on('data', (bytes) => (text += bytes))
  await vi.waitUntil(() => text.length >= maxWaitingCharacters)
  output.write('last\n')
  await vi.waitUntil(() => text.endsWith('last\n'), { timeout: 30_000 })
  lines.push(...text.split('\n'))
  reader.kill()
  await ended
  closeSync(descriptor)
  const written = lines.filter((entry) => entry.startsWith('y')).length
  expect(written).toBeLessThan(count)
  expect(lines.filter((entry) => !entry.startsWith('y'))).toEqual([`dropped ${count - written}`, 'last', ''])
})

test.runIf(canMount)(
  'a server whose log and standard output are on a full disk serves, logs after space is freed, and stops on a signal',
  async () => {
    const { folder, fill, free } = await openSmallDisk()
    const dataDir = await mkdtemp(join(tmpdir(), 'bootwright-log-data-'))
    onTestFinished(() => rm(dataDir, { recursive: true, force: true }))
    const file = join(folder, 'log')
    writeFileSync(file, '')
    fill()
    const [log, full] = [openSync(file, 'a'), openSync('/dev/full', 'w')]
    const port = await freePort()
    const postgresUrl = inject('postgresUrl')
    const child: ChildProcess = spawn(process.execPath, ['dist/main.js', 'serve'], {
      cwd: programDir,
      env: {
        PATH: process.env.PATH ?? '',
        BOOTWRIGHT_DATA_DIR: dataDir,
        BOOTWRIGHT_TFTP_LISTEN: 'off',
        BOOTWRIGHT_BOOT_LISTEN: `127.0.0.1:${port}`,
        BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
        ...(postgresUrl && { DATABASE_URL: await createFresh(postgresUrl) }),
      },
      stdio: ['ignore', full, log],
    })
    for (const descriptor of [log, full]) closeSync(descriptor)
    onTestFinished(() => void child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    const ask = (path: string) =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        ({ status }) => status,
        () => 0,
      )
    await vi.waitUntil(async () => (await ask('/livez')) === 200, { timeout: 60_000, interval: 100 })
    // Each request with an unknown token logs a warning.
    const report = `/b/${'a'.repeat(43)}/ready`
    for (let count = 0; count < 5; count++) expect(await ask(report)).toBe(404)
    expect(readFileSync(file, 'utf8')).toBe('')
    free()
    expect(await ask(report)).toBe(404)
    await vi.waitUntil(() => readFileSync(file, 'utf8').includes('log lines were dropped'))
    fill()
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  },
)
