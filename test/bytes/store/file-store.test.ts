import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { access, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import type { FileStore } from '../../../src/bytes/store/file-store.ts'
import { sha256 } from '../../helpers/boot-server.ts'
import { eachStore, startUpload } from '../../helpers/stores.ts'

const bytes = randomBytes(300_000)
async function* inParts(whole: Buffer, failAfter = Number.POSITIVE_INFINITY) {
  for (let at = 0; at < whole.length; at += 70_001) {
    if (at > failAfter) throw new Error('the connection was cut')
    yield whole.subarray(at, at + 70_001)
  }
}
const listOf = async (from: FileStore) => {
  const all: [string, number][] = []
  for await (const one of from.list()) all.push([one.sha256, one.sizeBytes])
  return all
}
const readAll = async (from: FileStore, hash: string, chunkBytes: number) => {
  const file = await from.open(hash)
  const whole = Buffer.alloc((file?.sizeBytes ?? 0) + 1)
  let at = 0
  for (let got = -1; got !== 0; at += got) got = (await file?.read(whole.subarray(at, at + chunkBytes), at)) ?? 0
  await file?.close()
  return whole.subarray(0, at)
}

eachStore('store', (place) => {
  let store: FileStore
  beforeAll(async () => {
    store = await place().open()
  })

  test('keeps bytes under their hash, and stores them again without harm', async () => {
    expect(await store.put(sha256(bytes), inParts(bytes), 1e6)).toEqual({ sizeBytes: 300_000 })
    await store.put(sha256(bytes), inParts(bytes), 1e6)
    expect(await place().everything()).toEqual([sha256(bytes)])
    expect(await store.size(sha256(bytes))).toBe(300_000)
    const file = await store.open(sha256(bytes))
    const whole = Buffer.alloc(400_000)
    expect(file?.sizeBytes).toBe(300_000)
    expect(await file?.read(whole, 0)).toBe(300_000)
    expect(whole.subarray(0, 300_000).equals(bytes)).toBe(true)
    await file?.close()
  })

  test.each([
    ['the first byte', 0, 1, 1],
    ['the middle', 12_345, 100_000, 100_000],
    ['the end', 299_990, 100, 10],
    ['after the end', 300_000, 100, 0],
    ['far after the end', 900_000, 100, 0],
  ])('reads a range: %s', async (_, position, wanted, expected) => {
    const file = await store.open(sha256(bytes))
    const part = Buffer.alloc(wanted)
    expect(await file?.read(part, position)).toBe(expected)
    expect(part.subarray(0, expected).equals(bytes.subarray(position, position + expected))).toBe(true)
    await file?.close()
  })

  test('keeps a file without bytes', async () => {
    const nothing = Buffer.alloc(0)
    await store.put(sha256(nothing), inParts(nothing), 10)
    expect(await store.size(sha256(nothing))).toBe(0)
    expect(await readAll(store, sha256(nothing), 100)).toHaveLength(0)
    await store.remove(sha256(nothing))
  })

  test.each([
    ['another hash', '0'.repeat(64), 1e6, undefined, /sha256: expected .* the hash of the 300000 bytes received/],
    ['too many bytes', sha256(bytes), 299_999, undefined, /body: expected at most 299999 bytes/],
    ['a cut connection', sha256(bytes), 1e6, 100_000, /cut/],
  ])('refuses %s and leaves nothing behind', async (_, hash, most, failAfter, message) => {
    const before = await place().everything()
    await expect(store.put(hash, inParts(bytes, failAfter), most)).rejects.toThrow(message)
    expect(await place().everything()).toEqual(before)
  })

  test('has nothing under a hash that was never stored', async () => {
    expect(await store.open('1'.repeat(64))).toBeUndefined()
    expect(await store.size('1'.repeat(64))).toBeUndefined()
  })

  test('lists its files, and no longer those that were removed', async () => {
    const others = Array.from({ length: 12 }, (_, index) => randomBytes(10 + index))
    for (const other of others) await store.put(sha256(other), inParts(other), 100)
    const listed = await listOf(store)
    for (const other of others) expect(listed).toContainEqual([sha256(other), other.length])
    expect(listed).toHaveLength(13)
    for await (const { storedAt } of store.list())
      expect(Math.abs(storedAt.getTime() - Date.now())).toBeLessThan(60_000)
    for (const other of others) await store.remove(sha256(other))
    await store.remove(sha256(others[0] ?? bytes))
    expect(await listOf(store)).toEqual([[sha256(bytes), 300_000]])
  })

  test('takes over a file of this machine, which is gone afterwards', async () => {
    const other = randomBytes(5000)
    const path = join(place().folder, 'incoming', 'downloaded')
    await writeFile(path, other)
    // A download that resumed after days: it is stored now, and is not deleted as an old one.
    await utimes(path, 1e9, 1e9)
    await store.putFile(sha256(other), path)
    for await (const one of store.list())
      if (one.sha256 === sha256(other)) expect(one.storedAt.getTime()).toBeGreaterThan(Date.now() - 60_000)
    await expect(access(path)).rejects.toThrow('ENOENT')
    expect((await readAll(store, sha256(other), 1000)).equals(other)).toBe(true)
    await store.remove(sha256(other))
    const missing = join(place().folder, 'incoming', 'nothing')
    await expect(store.putFile(sha256(other), missing)).rejects.toThrow('ENOENT')
    expect(await store.size(sha256(other))).toBeUndefined()
  })

  test('keeps 100 MB, byte for byte', async () => {
    const large = randomBytes(100_000_001)
    await store.put(sha256(large), inParts(large), 200e6)
    expect(await listOf(store)).toContainEqual([sha256(large), 100_000_001])
    expect(sha256(await readAll(store, sha256(large), 4 * 2 ** 20))).toBe(sha256(large))
    await store.remove(sha256(large))
    expect(await place().everything()).toEqual([sha256(bytes)])
  })

  test('is not seen before it is whole, and a kill while it comes in leaves nothing', async () => {
    const child = await startUpload(place(), { sizeBytes: 8 * 2 ** 20, endless: true })
    expect(await listOf(store)).toEqual([[sha256(bytes), 300_000]])
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await place().everything()).toHaveLength(2)
    store = await place().open()
    expect(await place().everything()).toEqual([sha256(bytes)])
  })
})
