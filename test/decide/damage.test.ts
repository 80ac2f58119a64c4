import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTransfers } from '../../src/bytes/send/send-file.ts'
import { findBoot, listBoots } from '../../src/inventory/boots/boots.ts'
import { listChanges } from '../../src/inventory/changes/changes.ts'
import { findFile, recordDamage, recordStored } from '../../src/inventory/images/files.ts'
import { patchImage, saveImage } from '../../src/inventory/images/images.ts'
import { savePolicy } from '../../src/inventory/machines/policy.ts'
import type { FileRef, Variant } from '../../src/model/image.ts'
import { getAsIpxe, nextStepOf, startTestBootServer, type TestBootServer, unwrapped } from '../helpers/boot-server.ts'

let server: TestBootServer
let image: string
let kernel: FileRef
let initrd: FileRef
let install: FileRef
let count = 0

beforeAll(async () => {
  server = await startTestBootServer()
})
afterAll(() => server.stop())
beforeEach(async () => {
  const { deps, addFile } = server
  const add = (name: string, text: string) => addFile(name, Buffer.from(`${text} ${count}`))
  image = `debian-${++count}`
  kernel = await add('vmlinuz', 'a kernel')
  initrd = await add('initrd.gz', 'an initrd')
  install = await add('install.img', 'an installer')
  await saveImage(deps.db, image, { variants: [linux(await add('vmlinuz', 'an old kernel'))] }, {}, 'tester')
  const tree = [{ path: 'images/install.img', sha256: install.sha256 }]
  await saveImage(deps.db, image, { variants: [linux(kernel, tree)] }, {}, 'tester')
  await savePolicy(deps.db, { kind: 'image', image }, 'tester')
})

const linux = (kernel: FileRef, tree: { path: string; sha256: string }[] = []): Variant => ({
  kind: 'linux',
  arch: 'x86_64',
  kernel,
  initrds: [initrd],
  args: [],
  tree,
})
const query = 'mac=52-54-00-00-00-01&platform=efi&buildarch=x86_64'
const boot = async () => unwrapped(await getAsIpxe(`${server.url}/ipxe?${query}`))
const preview = async () => (await fetch(`${server.url}/ipxe?${query}`)).text()
const pathOf = ({ sha256 }: FileRef) => join(server.folder, sha256.slice(0, 2), sha256)
const damageOf = async ({ sha256 }: FileRef) => (await findFile(server.deps.db, sha256))?.damage
const changesOf = async ({ sha256 }: FileRef) =>
  (await listChanges(server.deps.db, { subject: sha256 }, 10)).map(({ type }) => type)
const screen = (script: string) => script.split('\n').filter((line) => /^(echo|kernel|initrd)/.test(line))

describe('a damaged file', () => {
  test('is named on the screen at the first boot after the damage', async () => {
    expect(screen(await boot())).toContainEqual(expect.stringMatching(/^kernel /))
    await truncate(pathOf(kernel), 3)
    await forgotten()
    const script = await boot()
    expect(screen(script).slice(0, 2)).toEqual([
      'echo Bootwright: 52:54:00:00:00:01 cannot boot',
      `echo Bootwright: file vmlinuz of image ${image} version 2 is damaged: the file has 3 bytes instead of 10`,
    ])
    expect(nextStepOf(script)).toBe(
      `to upload it again: bootwright image add ${image}; to go back: bootwright image rollback ${image}`,
    )
    expect(screen(script).at(-1)).toBe('echo Next retry in 5 minutes. Reset the machine to retry at once.')
    expect(await damageOf(kernel)).toMatch(/^the file has 3 bytes instead of 10 \(seen /)
    // From here on the catalog knows: the reason says since when, and no store is asked.
    expect(screen(await boot())[1]).toMatch(/the file has 3 bytes instead of 10 \(seen \d{4}-\d\d-\d\d \d\d:\d\dZ\)$/)
    expect(await changesOf(kernel)).toEqual(['file.damaged'])
  })

  test('is refused with a code of its own if it is missing, also as an initrd or in a tree', async () => {
    for (const file of [initrd, install]) {
      const bytes = await readFile(pathOf(file))
      await rm(pathOf(file))
      await forgotten()
      expect(await boot()).toContain(`is damaged: the file is missing in the store`)
      expect(await damageOf(file)).toContain('missing in the store')
      // The second boot finds the kind in the catalog.
      await boot()
      const [second, first] = await listBoots(server.deps.db, { image }, 2)
      for (const { id } of [first, second].filter((boot) => boot !== undefined))
        expect((await findBoot(server.deps.db, id))?.decision?.spec).toMatchObject({ code: 'BW-FILE-MISSING' })
      await writeFile(pathOf(file), bytes)
      await recordStored(server.deps.db, file.sha256)
      await forgotten()
      expect(screen(await boot())).toContainEqual(expect.stringMatching(/^kernel /))
      expect(await changesOf(file)).toEqual(['file.mended', 'file.damaged'])
    }
  })

  test('is named in a preview, which records nothing', async () => {
    await rm(pathOf(kernel))
    await forgotten()
    expect(unwrapped(await preview())).toContain('version 2 is damaged: the file is missing in the store')
    expect(await damageOf(kernel)).toBeNull()
    expect(await changesOf(kernel)).toEqual([])
  })

  test('does not prevent other versions from booting', async () => {
    await recordDamage(server.deps.db, kernel.sha256, { kind: 'changed', damage: 'its sha256 is another' })
    expect(await boot()).toContain('is damaged: its sha256 is another (seen ')
    await patchImage(server.deps.db, image, { version: 1 }, {}, 'tester')
    expect(screen(await boot())).toContainEqual(expect.stringMatching(/^kernel /))
  })

  test('is a lost candidate in the decision of the boot', async () => {
    await truncate(pathOf(kernel), 3)
    await boot()
    const { decision } = (await findBoot(server.deps.db, (await lastBoot()) ?? '')) ?? {}
    expect(decision?.spec).toMatchObject({ kind: 'refusal', code: 'BW-FILE-DAMAGED' })
    expect(decision?.reasons.at(-1)).toEqual({
      candidate: `variant x86_64 any platform of ${image} version 2`,
      won: false,
      why: 'its file vmlinuz is damaged: the file has 3 bytes instead of 10',
    })
    expect(decision?.reasons.filter(({ candidate }) => candidate.startsWith('variant'))).toHaveLength(1)
  })

  test('does not prevent a boot while the store does not answer', async () => {
    const { deps } = server
    const { findStoredSize } = deps
    Object.assign(deps, { findStoredSize: async () => undefined })
    await truncate(pathOf(kernel), 3)
    expect(screen(await boot())).toContainEqual(expect.stringMatching(/^kernel /))
    Object.assign(deps, { findStoredSize })
  })
})

/** Waits until the cached status of files expires. */
function forgotten(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100))
}

test('after a damaged file was uploaded again, no damaged bytes are sent from memory', async () => {
  const settings = { cacheBytes: 2 ** 24, maxTransfers: 10, bytesPerSecond: undefined, zeroCopy: false }
  const caching = await startTestBootServer({ transfers: createTransfers(settings) })
  try {
    const good = Buffer.alloc(300_000, 'good ')
    const file = await caching.addFile('vmlinuz', good)
    const path = join(caching.folder, file.sha256.slice(0, 2), file.sha256)
    await writeFile(path, Buffer.alloc(300_000, 'evil '))
    const get = async () => (await fetch(`${caching.url}/files/${file.sha256}/vmlinuz`)).text()
    // Nobody has hashed it yet.
    expect((await get()).slice(0, 5)).toBe('evil ')
    await caching.addFile('vmlinuz', good)
    expect((await get()).slice(0, 5)).toBe('good ')
  } finally {
    await caching.stop()
  }
})

async function lastBoot(): Promise<string | undefined> {
  return (await listBoots(server.deps.db, { image }, 1))[0]?.id
}
