import { execFile } from 'node:child_process'
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { programDir } from '../../src/lib/program-dir.ts'
import { loadSecretKey } from '../../src/server/data/secret-key.ts'
import { loadServerId } from '../../src/server/data/server-id.ts'
import { requireDescriptors } from '../../src/server/http/descriptors.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'bootwright-data-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

const warnings: unknown[] = []
const log = { warn: (...args: unknown[]) => void warnings.push(args) }
const load = (secretKeyFile: string | undefined, sealed = false) =>
  loadSecretKey(
    { key: undefined, keyFile: secretKeyFile, ownFile: join(dataDir, 'secret.key') },
    { isSealed: async () => sealed, log: log as never },
  )

test('the secret key is made once, and never if the database has secrets of a lost key', async () => {
  const file = join(dataDir, 'secret.key')
  await expect(load(undefined, true)).rejects.toThrow(
    `${file} is missing, and the database has secrets that only its key can decrypt. Next step: restore ${file}`,
  )
  expect(existsSync(file)).toBe(false)
  const key = await load(undefined)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(await load(undefined, true)).toEqual(key)
})

test.each([0o644, 0o640, 0o604, 0o660])(
  'a key file that other users can read (mode %o) is refused in the data folder, and logged as a warning elsewhere',
  async (mode) => {
    const file = join(dataDir, 'secret.key')
    const key = await load(undefined)
    chmodSync(file, mode)
    const text = `0${mode.toString(8)}`
    await expect(load(undefined)).rejects.toThrow(`${file}: expected mode 0600, got ${text}`)
    await expect(load(undefined)).rejects.toThrow(`Next step: chmod 600 ${file}`)
    warnings.length = 0
    expect(await load(file)).toEqual(key)
    expect(warnings).toEqual([[{ file, mode: text }, 'other users can read the key of all secrets']])
  },
)

test('a corrupted server.id is refused by name, and not replaced', async () => {
  const id = await loadServerId(join(dataDir, 'server.id'))
  expect(await loadServerId(join(dataDir, 'server.id'))).toBe(id)
  writeFileSync(join(dataDir, 'server.id'), '\0\0\0\0')
  await expect(loadServerId(join(dataDir, 'server.id'))).rejects.toThrow(`${dataDir}/server.id: expected a UUID, got`)
})

test.runIf(process.platform === 'linux').each([64, 100, 200])(
  'a process that may open only %i files prints this limit, not the error that a module is missing',
  async (max) => {
    const main = join(programDir, 'dist/main.js')
    const run = promisify(execFile)('prlimit', [`--nofile=${max}`, process.execPath, main, 'serve'], {
      env: { ...process.env, BOOTWRIGHT_DATA_DIR: dataDir },
    })
    const { code, stderr } = (await run.catch((error: unknown) => error)) as { code: number; stderr: string }
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^bootwright: open files: expected a limit of at least 256, got/),
    ])
  },
)

test('the error for a low limit of open files names the next step', () => {
  expect(() => requireDescriptors(200)).toThrow(
    'open files: expected a limit of at least 256, got 200. Next step: ulimit -n 65536',
  )
  requireDescriptors(256)
  requireDescriptors()
})
