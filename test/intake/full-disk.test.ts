import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFolderStore } from '../../src/bytes/store/folder-store.ts'
import { dataFolder } from '../../src/config/data-folder.ts'
import { findImage } from '../../src/inventory/images/images.ts'
import { openApi } from '../helpers/api.ts'
import { openTestDatabase } from '../helpers/database.ts'
import { debianFile } from '../helpers/debian.ts'
import { openTestIntake, type TestIntake } from '../helpers/intake.ts'
import { type Rough, type RoughWeb, startRoughWeb } from '../helpers/rough-web.ts'

const canMount = process.platform === 'linux' && process.getuid?.() === 0
const kernel = Buffer.concat([Buffer.from('#!ipxe\n'), debianFile('linux')])
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let disk: string
let web: RoughWeb
let rough: Rough
beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), 'bootwright-disk-'))
  rough = {}
  web = await startRoughWeb({ '/kernel.ipxe': kernel }, () => rough)
  if (canMount) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk])
})
afterEach(async () => {
  await web.stop()
  if (canMount) execFileSync('umount', [disk])
  await rm(disk, { recursive: true })
})

// The disk of 12 MiB keeps a twentieth for others.
const fill = (bytes: number) => writeFile(join(disk, 'other'), randomBytes(bytes))

test.runIf(canMount)(
  'an import for which the disk has no room says so before the first byte, and leaves no image',
  async () => {
    const { db, close } = await openTestDatabase()
    const one: TestIntake = await openTestIntake(db, { dataDir: disk })
    const run = () => one.run({ kind: 'url', url: `${web.url}/kernel.ipxe`, keepIso: false }, 'kernel')
    try {
      await fill(5_000_000)
      const { state, message } = await run()
      expect(state).toBe('failed')
      expect(message).toMatch(
        new RegExp(`^the disk of the data folder is full: ${kernel.length} more bytes are needed, 6\\d{6} are free$`),
      )
      expect(await findImage(db, 'kernel')).toBeUndefined()
      await expect.poll(one.parts).toEqual([])

      // Nobody says how long it is: the disk is found full on the way, and is not filled to its last byte.
      rough = { length: 'none' }
      expect(await run()).toMatchObject({
        state: 'failed',
        message: expect.stringMatching(/^the disk of the data folder is full/),
      })
      expect(await findImage(db, 'kernel')).toBeUndefined()

      await rm(join(disk, 'other'))
      expect(await run()).toMatchObject({ state: 'done' })
      const hash = sha256(kernel)
      expect(sha256(await readFile(join(disk, 'files', hash.slice(0, 2), hash)))).toBe(hash)
    } finally {
      await one.intake.stop()
      await close()
    }
  },
)

test.runIf(canMount)(
  'an upload for which the disk has no room is refused, whole and in parts; what was here stays good',
  async () => {
    const { db, close } = await openTestDatabase()
    const { partials } = await openTestIntake(db, { dataDir: disk }).then(async ({ intake }) => {
      await intake.stop()
      return intake
    })
    const api = await openApi(db, { store: await openFolderStore(dataFolder(disk).files) })
    api.deps.intake.partials = partials
    const path = `/api/v1/files/${sha256(kernel)}?name=kernel`
    const put = (headers: Record<string, string>, body = kernel) =>
      api.app.request(path, { method: 'PUT', body, headers })
    const part = (first: number, end: number) =>
      put({ 'content-range': `bytes ${first}-${end - 1}/${kernel.length}` }, kernel.subarray(first, end))
    try {
      expect((await part(0, 3_000_000)).status).toBe(202)
      await fill(6_000_000)
      for (const refused of [
        await put({ 'content-length': String(kernel.length) }),
        await part(3_000_000, kernel.length),
      ]) {
        const { status, detail } = (await refused.json()) as { status: number; detail: string }
        expect([status, detail]).toEqual([
          507,
          expect.stringMatching(/^the disk of the data folder is full: \d+ more bytes/),
        ])
      }
      await rm(join(disk, 'other'))
      expect((await part(3_000_000, kernel.length)).status).toBe(201)
      expect(await api.deps.store.size(sha256(kernel))).toBe(kernel.length)
    } finally {
      await api.remove()
      await close()
    }
  },
)
