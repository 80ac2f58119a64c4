import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { FileStore } from '../../src/store/file-store.ts'
import { openFolderStore } from '../../src/store/folder-store.ts'
import { loadNbps } from '../../src/store/nbps.ts'
import { sha256 } from '../helpers/boot-server.ts'

let folder: string
let store: FileStore
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-store-'))
  store = await openFolderStore(folder)
})
afterAll(() => rm(folder, { recursive: true }))

const bytes = randomBytes(300_000)
async function* inParts(whole: Buffer, failAfter = Number.POSITIVE_INFINITY) {
  for (let at = 0; at < whole.length; at += 7_001) {
    if (at > failAfter) throw new Error('the connection was cut')
    yield whole.subarray(at, at + 7_001)
  }
}
const listOf = async (from: FileStore) => {
  const all: [string, number][] = []
  for await (const one of from.list()) all.push([one.sha256, one.sizeBytes])
  return all
}
const everything = async () =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)

it('keeps bytes under their hash, and stores them again without harm', async () => {
  expect(await store.put(sha256(bytes), inParts(bytes), 1e6)).toEqual({ sizeBytes: 300_000 })
  await store.put(sha256(bytes), inParts(bytes), 1e6)
  expect(await everything()).toEqual([sha256(bytes)])
  expect(await store.size(sha256(bytes))).toBe(300_000)
  const file = await store.open(sha256(bytes))
  const whole = Buffer.alloc(400_000)
  expect(await file?.read(whole, 0)).toBe(300_000)
  expect(whole.subarray(0, 300_000).equals(bytes)).toBe(true)
  await file?.close()
})

it.each([
  ['another hash', '0'.repeat(64), 1e6, undefined, /sha256: expected .* the hash of the 300000 bytes received/],
  ['too many bytes', sha256(bytes), 299_999, undefined, /body: expected at most 299999 bytes/],
  ['a cut connection', sha256(bytes), 1e6, 100_000, /cut/],
])('refuses %s and leaves nothing behind', async (_, hash, most, failAfter, message) => {
  const before = await everything()
  await expect(store.put(hash, inParts(bytes, failAfter), most)).rejects.toThrow(message)
  expect(await everything()).toEqual(before)
})

it('has nothing under a hash that was never stored', async () => {
  expect(await store.open('1'.repeat(64))).toBeUndefined()
  expect(await store.size('1'.repeat(64))).toBeUndefined()
})

it('lists what it has, and forgets what is removed', async () => {
  const other = randomBytes(10)
  await store.put(sha256(other), inParts(other), 100)
  expect(await listOf(store)).toContainEqual([sha256(other), 10])
  await store.remove(sha256(other))
  await store.remove(sha256(other))
  expect(await listOf(store)).not.toContainEqual([sha256(other), 10])
})

it('clears what a killed upload left behind', async () => {
  await writeFile(join(folder, 'incoming', '99-0'), 'half')
  await openFolderStore(folder)
  expect(await readdir(join(folder, 'incoming'))).toEqual([])
})

it('loads boot programs by their endings, and nothing else from their folder', async () => {
  const nbpDir = join(folder, 'nbp')
  await mkdir(nbpDir)
  for (const name of ['ipxe.efi', 'undionly.kpxe', 'README.md', '.hidden.efi', 'empty.efi', 'a b.efi'])
    await writeFile(join(nbpDir, name), name === 'empty.efi' ? '' : 'x')
  expect([...(await loadNbps(nbpDir)).keys()]).toEqual(['ipxe.efi', 'undionly.kpxe'])
  expect((await loadNbps(join(folder, 'nowhere'))).size).toBe(0)
})
