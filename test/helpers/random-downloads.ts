import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'vitest'
import { createTransfers } from '../../src/bytes/send/send-file.ts'
import { sha256, startTestBootServer } from './boot-server.ts'
import { type Seeded, seeded } from './seeded.ts'

const mebibyte = 2 ** 20
const sizes = [1, 16 * 1024, 16 * 1024 + 1, 300_007, mebibyte, 2 * mebibyte, 5 * mebibyte + 13, 48 * mebibyte + 1]
const clients = 24
const coldEveryMs = 300

type TestFile = { bytes: Buffer; path: string; stored: string }

/**
 * Downloads random ranges concurrently for some minutes: clients read slowly, and reset connections; files leave the page cache, and
 * garbage is collected. Compares the hash of all bytes of each download. The kernel writes into memory of this process
 * (bytes/send/kernel/), where a mistake shows as wrong bytes, once in hundreds.
 */
export async function downloadAtRandom(
  title: string,
  { zeroCopy, cacheBytes, minutes }: { zeroCopy: boolean; cacheBytes: number; minutes: number },
): Promise<void> {
  const chance = seeded(title)
  const transfers = createTransfers({ cacheBytes, maxTransfers: 1000, bytesPerSecond: undefined, zeroCopy })
  if (zeroCopy && process.platform === 'linux') expect(transfers.methods.zeroCopy).toBeDefined()
  const server = await startTestBootServer({ transfers })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  try {
    const files: TestFile[] = []
    for (const size of sizes) {
      const bytes = randomBytes(size)
      const { sha256: hash } = await server.addFile('initrd', bytes)
      files.push({ bytes, path: `/files/${hash}/initrd`, stored: join(server.folder, hash.slice(0, 2), hash) })
    }
    const until = Date.now() + minutes * 60_000
    const cold = setInterval(() => {
      dropFromCache(chance.pick(files).stored)
      collect()
    }, coldEveryMs)
    const all = Array.from({ length: clients }, () => downloadUntil(until, server.port, files, chance))
    const counts = await Promise.all(all).finally(() => clearInterval(cold))
    expect(Math.min(...counts)).toBeGreaterThan(0)
    console.log(`${title}: ${counts.reduce((sum, count) => sum + count, 0)} downloads`)
  } finally {
    await server.stop()
  }
}

/** Removes a file from the page cache (dd(1), `nocache`), so that the next reader waits for the disk. */
function dropFromCache(stored: string): void {
  execFileSync('dd', [`if=${stored}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' })
}

async function downloadUntil(until: number, port: number, files: TestFile[], chance: Seeded): Promise<number> {
  let count = 0
  for (; count === 0 || Date.now() < until; count++) {
    const { bytes, path } = chance.pick(files)
    const first = chance.between(0, bytes.length - 1)
    const whole = chance.between(0, 9) === 0
    const range = whole
      ? { first: 0, last: bytes.length - 1 }
      : { first, last: chance.between(first, bytes.length - 1) }
    const resetAfter = chance.between(0, 2) === 0 ? chance.between(0, range.last - range.first + 1) : undefined
    const pauseMs = chance.between(0, 3) === 0 ? chance.between(0, 20) : undefined
    const got = await download(port, path, whole ? undefined : range, { resetAfter, pauseMs })
    const expected = bytes.subarray(range.first, range.first + got.sizeBytes)
    expect([range, resetAfter, got.sha256]).toEqual([range, resetAfter, sha256(expected)])
    if (resetAfter === undefined) expect(got.sizeBytes).toBe(range.last - range.first + 1)
  }
  return count
}

type Manner = { resetAfter: number | undefined; pauseMs: number | undefined }

/** Hashes a download. The client resets the connection after `resetAfter` bytes, and pauses once for `pauseMs`. */
function download(
  port: number,
  path: string,
  range: { first: number; last: number } | undefined,
  { resetAfter, pauseMs }: Manner,
): Promise<{ sizeBytes: number; sha256: string }> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256')
    let sizeBytes = 0
    const end = () => resolve({ sizeBytes, sha256: hash.digest('hex') })
    const headers = range === undefined ? {} : { Range: `bytes=${range.first}-${range.last}` }
    const asked = request({ port, host: '127.0.0.1', path, headers, agent: false, timeout: 120_000 }, (response) => {
      expect(response.statusCode).toBe(range === undefined ? 200 : 206)
      response.on('data', (chunk: Buffer) => {
        hash.update(chunk)
        if (sizeBytes === 0 && pauseMs !== undefined) {
          response.pause()
          setTimeout(() => response.resume(), pauseMs)
        }
        sizeBytes += chunk.length
        if (resetAfter !== undefined && sizeBytes >= resetAfter) response.socket.resetAndDestroy()
      })
      response.on('error', () =>
        resetAfter === undefined ? reject(new Error('the server disconnected during a download')) : end(),
      )
      response.on('end', end)
    })
    asked.on('timeout', () => asked.destroy(new Error('no byte for 120 s')))
    asked.on('error', (error) => (resetAfter === undefined ? reject(error) : end()))
    asked.end()
  })
}
