import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createChunkCache } from '../../../src/bytes/send/chunk-cache.ts'
import type { OpenFile } from '../../../src/bytes/store/file-store.ts'

/** A file that counts how often its bytes are read, and ends where `endsAt` says. */
function countedFile(bytes: Buffer, endsAt = bytes.length): OpenFile & { reads: () => number } {
  let reads = 0
  return {
    sizeBytes: bytes.length,
    read: async (buffer, position) => {
      reads++
      await new Promise(setImmediate)
      // Short reads are allowed.
      const part = bytes.subarray(position, Math.min(endsAt, position + Math.min(buffer.length, 700)))
      buffer.set(part)
      return part.length
    },
    close: async () => {},
    reads: () => reads,
  }
}

const bytes = randomBytes(10_500)

test('gives each piece of a file, the last one shorter', async () => {
  const cache = createChunkCache(100_000, 1000)
  const file = countedFile(bytes)
  for (let index = 0; index <= 10; index++) {
    const chunk = await cache.take(file, 'a', index)
    expect(chunk?.bytes.equals(bytes.subarray(index * 1000, (index + 1) * 1000))).toBe(true)
    chunk?.release()
  }
})

test('reads a piece once for all who want it, at the same time and later', async () => {
  const cache = createChunkCache(100_000, 1000)
  const file = countedFile(bytes)
  const chunks = await Promise.all(Array.from({ length: 1000 }, () => cache.take(file, 'a', 3)))
  for (const chunk of chunks) chunk?.release()
  await cache.take(file, 'a', 3)
  expect(file.reads()).toBe(2)
})

test('holds no more than its memory, and gives nothing while all of it is held', async () => {
  const cache = createChunkCache(3500, 1000)
  const file = countedFile(bytes)
  const held = await Promise.all([0, 1, 2].map((index) => cache.take(file, 'a', index)))
  expect(await cache.take(file, 'a', 3)).toBeUndefined()
  // Given back twice is given back once.
  held[1]?.release()
  held[1]?.release()
  const third = await cache.take(file, 'a', 3)
  expect(third?.bytes.equals(bytes.subarray(3000, 4000))).toBe(true)
  expect(await cache.take(file, 'a', 4)).toBeUndefined()
  // Nobody's piece was overwritten.
  expect(held[0]?.bytes.equals(bytes.subarray(0, 1000))).toBe(true)
  expect(held[2]?.bytes.equals(bytes.subarray(2000, 3000))).toBe(true)
})

test('evicts the least recently used chunk', async () => {
  const cache = createChunkCache(2000, 1000)
  const file = countedFile(bytes)
  const use = async (index: number) => (await cache.take(file, 'a', index))?.release()
  await use(0)
  await use(1)
  await use(0)
  await use(2)
  const before = file.reads()
  await use(0)
  expect(file.reads()).toBe(before)
  await use(1)
  expect(file.reads()).toBe(before + 2)
})

test('says that a file ends early, to all who wait, keeps nothing of it and loses no memory', async () => {
  const cache = createChunkCache(1000, 1000)
  const short = countedFile(bytes, 1500)
  for (let round = 0; round < 3; round++) {
    const results = await Promise.allSettled([cache.take(short, 'a', 1), cache.take(short, 'a', 1)])
    for (const result of results)
      expect(result).toMatchObject({ reason: { message: 'the file ends after 1500 bytes instead of 10500' } })
  }
  const chunk = await cache.take(countedFile(bytes), 'a', 1)
  expect(chunk?.bytes.equals(bytes.subarray(1000, 2000))).toBe(true)
})
