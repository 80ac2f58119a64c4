import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveFile } from '../../../src/inventory/images/files.ts'
import { findImage, listImages, saveImage } from '../../../src/inventory/images/images.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { openTestIntake, type TestIntake } from '../../helpers/intake.ts'
import { hasTool } from '../../helpers/needs.ts'

const sevenZip = existsSync('/usr/bin/7z') || hasTool('7zz', '7zip')
const ready = ['genisoimage', 'zip'].every((tool) => hasTool(tool, tool)) && sevenZip
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let folder: string
let opened: OpenDb
let one: TestIntake
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-unreadable-'))
  opened = await openTestDatabase()
})
afterAll(async () => {
  await opened.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  one = await openTestIntake(opened.db)
})
afterEach(() => one.stop())

type Make = (root: string, archive: string) => [string, string[]]
const makers: Record<string, Make> = {
  iso: (root, archive) => ['genisoimage', ['-quiet', '-R', '-J', '-o', archive, root]],
  zip: (_, archive) => ['zip', ['-q', '-r', '-y', archive, '.']],
  'tar.gz': (root, archive) => ['tar', ['-czf', archive, '-C', root, '.']],
}

/** A netboot folder whose kernel is made by `kernel`, imported as an archive of this kind. */
async function importOf(kind: string, name: string, kernel: (path: string) => Promise<unknown> | unknown) {
  const root = join(folder, `${name}-${kind}`)
  const debian = join(root, 'debian-installer/arm64')
  await mkdir(debian, { recursive: true })
  await writeFile(join(debian, 'initrd.gz'), 'an initrd')
  await writeFile(join(debian, 'linux-6.12'), 'a kernel')
  await kernel(join(debian, 'linux'))
  const archive = `${root}.${kind}`
  const [program, args] = (makers[kind] as Make)(root, archive)
  execFileSync(program, args, { cwd: root, stdio: 'pipe' })
  const bytes = await readFile(archive)
  const stored = (async function* () {
    yield bytes
  })()
  await one.store.put(sha256(bytes), stored, bytes.length)
  await saveFile(opened.db, { sha256: sha256(bytes), name: `${name}.${kind}`, sizeBytes: bytes.length })
  return one.run({ kind: 'file', sha256: sha256(bytes), name: `${name}.${kind}`, keepIso: false }, name)
}

describe.runIf(ready).each(Object.keys(makers))('an import of a %s', (kind) => {
  test('takes the kernel that a link leads to', async () => {
    const name = `linked-${kind}`
    expect(await importOf(kind, name, (path) => symlink('./../arm64/linux-6.12', path))).toMatchObject({
      state: 'done',
    })
    const kernel = { sha256: sha256(Buffer.from('a kernel')), name: 'linux' }
    expect((await findImage(opened.db, name))?.variants).toMatchObject([{ arch: 'arm64', kernel }])
  })

  test.each<[string, (path: string) => unknown, RegExp]>([
    ['leads outside', (path) => symlink('/etc/hostname', path), /a link to \/etc\/hostname, which is outside of it/],
    ['leads to nothing', (path) => symlink('linux-5', path), /a link to linux-5, which is not there/],
    ['is empty', (path) => writeFile(path, ''), /an empty file/],
  ])('is refused, and names the file, where the kernel %s', async (name, kernel, why) => {
    const word = `bad-${name.replaceAll(' ', '-')}-${kind}`
    const { state, message } = await importOf(kind, word, kernel)
    expect([state, message]).toEqual([
      'failed',
      expect.stringMatching(/^debian-installer\/arm64\/linux: expected a file/),
    ])
    expect(message).toMatch(why)
    expect((await listImages(opened.db, 100)).map((image) => image.name)).not.toContain(word)
  })
})

test.runIf(ready)('a device in a tar is refused by its name', async () => {
  const made = importOf('tar.gz', 'device', (path) => execFileSync('mknod', [path, 'b', '7', '0']))
  expect(await made).toMatchObject({ state: 'failed', message: expect.stringContaining('got "a device"') })
})

test('an image of stored files boots from none that is empty; its tree may have such', async () => {
  const empty = sha256(Buffer.alloc(0))
  await saveFile(opened.db, { sha256: empty, name: 'vmlinuz', sizeBytes: 0 })
  await saveFile(opened.db, { sha256: 'c'.repeat(64), name: 'vmlinuz', sizeBytes: 9 })
  const variant = (kernel: string, initrd: string) => ({
    variants: [
      {
        ...{ arch: 'x86_64' as const, kind: 'linux' as const, args: [], tree: [{ path: '.keep', sha256: empty }] },
        kernel: { sha256: kernel, name: 'vmlinuz' },
        initrds: [{ sha256: initrd, name: 'initrd' }],
      },
    ],
  })
  await expect(saveImage(opened.db, 'empty', variant(empty, 'c'.repeat(64)), {}, 'tester')).rejects.toThrow(
    'variants[0] vmlinuz: expected a file of at least 1 byte, got "an empty file"',
  )
  await expect(saveImage(opened.db, 'empty', variant('c'.repeat(64), empty), {}, 'tester')).rejects.toThrow(
    'variants[0] initrd',
  )
  await expect(
    saveImage(opened.db, 'empty', variant('c'.repeat(64), 'c'.repeat(64)), {}, 'tester'),
  ).resolves.toBeDefined()
})
