import { createHash, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { createTransfers } from '../../src/bytes/send/send-file.ts'
import { sha256, startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'
import { roundsOf, type Seeded, seeded } from '../helpers/seeded.ts'

// Clients download random ranges of files concurrently, and reset some of the connections. The test compares the hash of all
// bytes. The kernel writes into memory of this process (zero-copy.ts), where a mistake shows as wrong bytes, once in hundreds.

const mebibyte = 2 ** 20
const sizes = [1, 16 * 1024, 16 * 1024 + 1, 300_007, mebibyte, 5 * mebibyte + 13, 48 * mebibyte + 1]
const clients = 24
/** The load of one round. Each client sends its requests one after the other. */
const requests = 10

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

describe.each([
  ['from the page cache', true, 2 ** 23],
  ['in chunks', false, 2 ** 23],
  ['in chunks, with memory for two of them', false, 2 ** 21],
])('downloads %s', (title, zeroCopy, cacheBytes) => {
  test('deliver correct bytes for all ranges, even while other connections are reset', async () => {
    const chance = seeded(`downloads ${title}`)
    const transfers = createTransfers({ cacheBytes, maxTransfers: 1000, bytesPerSecond: undefined, zeroCopy })
    const server = await startTestBootServer({ transfers })
    try {
      const files = sizes.map((size) => randomBytes(size))
      const paths = await Promise.all(files.map((bytes) => pathOf(server, bytes)))
      for (let round = 0; round < roundsOf(2); round++) {
        const counts = await Promise.all(
          Array.from({ length: clients }, () => downloadSome(server.port, files, paths, chance)),
        )
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(clients * requests)
      }
    } finally {
      await server.stop()
    }
  })
})

async function downloadSome(port: number, files: Buffer[], paths: string[], chance: Seeded): Promise<number> {
  for (let number = 0; number < requests; number++) {
    const index = chance.between(0, files.length - 1)
    const bytes = files[index] ?? Buffer.alloc(0)
    const first = chance.between(0, bytes.length - 1)
    const whole = chance.between(0, 9) === 0
    const range = whole
      ? { first: 0, last: bytes.length - 1 }
      : { first, last: chance.between(first, bytes.length - 1) }
    const resetAfter = chance.between(0, 2) === 0 ? chance.between(0, range.last - range.first + 1) : undefined
    const got = await download(port, paths[index] ?? '', whole ? undefined : range, resetAfter)
    const expected = bytes.subarray(range.first, range.first + got.sizeBytes)
    expect([range, resetAfter, got.sha256]).toEqual([range, resetAfter, sha256(expected)])
    if (resetAfter === undefined) expect(got.sizeBytes).toBe(range.last - range.first + 1)
    if (number % 5 === 0) collect()
  }
  return requests
}

/** Hashes a download. With `resetAfter`, resets the connection after this number of bytes. */
function download(
  port: number,
  path: string,
  range: { first: number; last: number } | undefined,
  resetAfter: number | undefined,
): Promise<{ sizeBytes: number; sha256: string }> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256')
    let sizeBytes = 0
    const end = () => resolve({ sizeBytes, sha256: hash.digest('hex') })
    const headers = range === undefined ? {} : { Range: `bytes=${range.first}-${range.last}` }
    const asked = request({ port, host: '127.0.0.1', path, headers, agent: false, timeout: 60_000 }, (response) => {
      expect(response.statusCode).toBe(range === undefined ? 200 : 206)
      response.on('data', (chunk: Buffer) => {
        hash.update(chunk)
        sizeBytes += chunk.length
        if (resetAfter !== undefined && sizeBytes >= resetAfter) response.socket.resetAndDestroy()
      })
      response.on('error', () => (resetAfter === undefined ? reject(new Error('the server cut the download')) : end()))
      response.on('end', end)
    })
    asked.on('timeout', () => asked.destroy(new Error('no byte for 60 s')))
    asked.on('error', (error) => (resetAfter === undefined ? reject(error) : end()))
    asked.end()
  })
}

async function pathOf(server: TestBootServer, bytes: Buffer): Promise<string> {
  return `/files/${(await server.addFile('initrd', bytes)).sha256}/initrd`
}
