import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openPartialFiles, type PartialFiles } from '../../../src/bytes/fetch/partial-files.ts'

let folder: string
let partials: PartialFiles
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-parts-'))
  partials = await openPartialFiles(folder, { maxBytes: 10_000, maxFiles: 4 })
})
afterEach(() => rm(folder, { recursive: true }))

const hashOf = (name: string, bytes: Uint8Array) => createHash(name).update(bytes).digest('hex')

test('a partial file grows, is hashed while it streams, and resumes when it is opened again', async () => {
  const bytes = randomBytes(6000)
  const first = await partials.open('a', { hashes: ['sha256', 'sha512'] })
  await first.append(bytes.subarray(0, 1000))
  await first.remember({ etag: '"1"' })
  await first.close()
  const again = await openPartialFiles(folder, { maxBytes: 10_000 })
  const second = await again.open('a', { hashes: ['sha256', 'sha512'] })
  expect([second.sizeBytes(), second.about()]).toEqual([1000, { etag: '"1"' }])
  await second.append(bytes.subarray(1000))
  expect(await second.digest('sha256')).toBe(hashOf('sha256', bytes))
  expect(await second.digest('sha512')).toBe(hashOf('sha512', bytes))
  await second.truncate(500)
  await second.append(bytes.subarray(500, 700))
  expect(await second.digest('sha256')).toBe(hashOf('sha256', bytes.subarray(0, 700)))
  expect(await readFile(second.path)).toEqual(bytes.subarray(0, 700))
  await second.close()
})

test('a partial file has one holder at a time, and its release admits the next', async () => {
  const first = await partials.open('a')
  const order: string[] = []
  const second = partials.open('a').then((file) => {
    order.push('second')
    return file
  })
  await expect(partials.open('a', { signal: AbortSignal.timeout(20) })).rejects.toThrow()
  order.push('first')
  await first.close()
  await (await second).close()
  expect(order).toEqual(['first', 'second'])
})

test('opening a file asks its holder to close it, if both agreed to that', async () => {
  const first = await partials.open('a', { leave: () => void first.close() })
  const second = await partials.open('a', { leave: () => {} })
  await second.close()
})

test('a partial file survives a kill that left half a note or a shorter file', async () => {
  const first = await partials.open('a')
  await first.append(randomBytes(1000))
  await first.close()
  await writeFile(join(folder, 'a.json'), '{"etag": "')
  await truncate(join(folder, 'a'), 400)
  const second = await partials.open('a')
  expect([second.sizeBytes(), second.about()]).toEqual([400, undefined])
  await second.append(Buffer.from('x'))
  expect(await second.digest('sha256')).toBe(hashOf('sha256', await readFile(join(folder, 'a'))))
  await second.close()
})

test('the folder is limited in bytes, number and age, and the oldest files that are not open are removed', async () => {
  const put = async (key: string, sizeBytes: number, ageDays: number) => {
    const file = await partials.open(key, { totalBytes: sizeBytes })
    await file.append(randomBytes(sizeBytes))
    await file.remember({})
    await file.close()
    const time = Date.now() / 1000 - ageDays * 86_400
    await utimes(join(folder, key), time, time)
  }
  const keys = async () => (await readdir(folder)).filter((name) => !name.endsWith('.json')).sort()
  await put('a', 4000, 3)
  await put('b', 4000, 2)
  await put('c', 4000, 1)
  expect(await keys()).toEqual(['b', 'c'])
  for (const key of ['d', 'e', 'f']) await put(key, 10, 0)
  expect(await keys()).toEqual(['c', 'd', 'e', 'f'])
  await partials.prune(0.5)
  expect(await keys()).toEqual(['d', 'e', 'f'])
  await partials.removeAll('d')
  expect(await readdir(folder)).toEqual(['e', 'e.json', 'f', 'f.json'])
})

test('a path is refused as a key', async () => {
  for (const key of ['../a', 'a/b', '', 'a.json'])
    await expect(partials.open(key)).rejects.toThrow('not a key of a partial file')
})
