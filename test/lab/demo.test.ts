import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { programDir } from '../../src/lib/program-dir.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'
import { describeWholeLab } from './lab-tests.ts'

/** The UEFI one tries HTTP Boot for two minutes before its disk. */
const demoTimeoutMs = 600_000

describeWholeLab('the demo', () => {
  let folder: string
  let server: ServerProcess
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bwlab-demo-'))
    server = await startServerProcess(join(folder, 'data'))
  })
  afterAll(async () => {
    await server?.kill()
    await rm(folder, { recursive: true, force: true })
  })

  test.each(['bios', 'efi'])(
    'ends with the reason when the disk is empty: %s',
    {
      timeout: demoTimeoutMs + 10_000,
    },
    async (firmware) => {
      const temporary = join(folder, firmware)
      await mkdir(temporary)
      const args = ['--memory', '512', '--port', new URL(server.bootUrl).port, ...(firmware === 'efi' ? ['--efi'] : [])]
      const { text, code } = await runDemo(temporary, args)
      expect(text).toMatch(/boots from http:\/\/10\.0\.2\.2:\d+\/boot\.ipxe[\s\S]*boots from its local disk/)
      expect(text).toMatch(/Ctrl-C[\s\S]*This is the expected end[\s\S]*explain 52:54:00:12:34:56/)
      expect(code).toBe(0)
      expect((await readdir(temporary)).filter((name) => name.startsWith('bootwright-'))).toEqual([])
    },
  )
})

/** Runs the demo to its end; `temporary` is where it may leave files. */
async function runDemo(temporary: string, args: string[]): Promise<{ text: string; code: number | null }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/demo.ts', ...args], {
    cwd: programDir,
    env: { PATH: process.env.PATH, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
  }
  const limit = setTimeout(() => child.kill('SIGTERM'), demoTimeoutMs)
  const [code] = (await once(child, 'close')) as [number | null]
  clearTimeout(limit)
  return { text: text.replace(/\x1b\[[0-9;?=]*[A-Za-z]/g, ''), code }
}
