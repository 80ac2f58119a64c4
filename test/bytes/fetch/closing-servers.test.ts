import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { download } from '../../../src/bytes/fetch/download.ts'
import { get } from '../../../src/bytes/fetch/http-get.ts'
import type { PartialFile } from '../../../src/bytes/fetch/partial-file.ts'
import { openPartialFiles, type PartialFiles } from '../../../src/bytes/fetch/partial-files.ts'
import { type Connector, openConnector } from '../../../src/bytes/fetch/proxies.ts'
import { brokenAnswers, type ClosingServer, framings, startClosingServer } from '../../helpers/closing-server.ts'

// An exception in an event of a connection would be nobody's to catch: vitest fails the run for it.

let folder: string
let partials: PartialFiles
let connector: Connector
let server: ClosingServer
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-closing-test-'))
  partials = await openPartialFiles(folder, { maxBytes: 2 ** 30 })
  connector = openConnector({ httpProxy: '', httpsProxy: '', noProxy: '' })
})
afterEach(async () => {
  await server.stop()
  connector.close()
  await rm(folder, { recursive: true })
})

/** A file on a disk that takes its time for some of what is written. */
const onSlowDisk = (file: PartialFile): PartialFile => ({
  ...file,
  append: async (bytes) => {
    if (Math.random() < 0.3) await wait(15)
    await file.append(bytes)
  },
})

describe('a download from a server that closes after its answer', () => {
  for (const [framing, frame] of Object.entries(framings))
    test.each([1, 65_535, 700_001, 9_000_000])(`downloads %d bytes to a slow disk: ${framing}`, async (sizeBytes) => {
      const bytes = randomBytes(sizeBytes)
      server = await startClosingServer(() => frame(bytes))
      const file = await partials.open('a', { hashes: ['sha256'] })
      const options = { connector, stallMs: 5000, retriesMs: [5], maxBytes: 2 ** 30, checksums: {}, progress: () => {} }
      try {
        const got = await download(new URL('/x', server.url), onSlowDisk(file), options)
        expect(got).toEqual({ sizeBytes, sha256: createHash('sha256').update(bytes).digest('hex') })
      } finally {
        await file.close()
      }
    })
})

describe('a body that is read late', () => {
  // The whole of it is in the client's buffers, and its reading paused, when the connection ends.
  for (const [framing, frame] of Object.entries(framings))
    test.each([40_000, 65_536, 131_072])(
      `is whole after the server closed: %d bytes, ${framing}`,
      async (sizeBytes) => {
        const bytes = randomBytes(sizeBytes)
        server = await startClosingServer(() => frame(bytes))
        const got = await get(new URL('/x', server.url), { connector, stallMs: 5000, hasChecksum: true })
        await wait(60)
        const chunks: Uint8Array[] = []
        for await (const chunk of got.body) chunks.push(chunk)
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
      },
    )
})

describe('an answer that is broken', () => {
  test.each(Object.entries(brokenAnswers))('is an error of its request alone: %s', async (_, parts) => {
    server = await startClosingServer(() => parts)
    const read = async () => {
      const got = await get(new URL('/x', server.url), { connector, stallMs: 2000, hasChecksum: true })
      for await (const _chunk of got.body) await wait(1)
    }
    await expect(read()).rejects.toThrow(server.url)
  })

  test('does not spoil what came before it', async () => {
    server = await startClosingServer(() => [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
      'x'.repeat(100_000),
    ])
    const got = await get(new URL('/x', server.url), { connector, stallMs: 2000, hasChecksum: true })
    const chunks: Uint8Array[] = []
    for await (const chunk of got.body) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe('hello')
  })

  test('is given up unread', async () => {
    server = await startClosingServer(() => framings['HTTP/1.0 without a length'](randomBytes(3_000_000)))
    for (let times = 0; times < 20; times++) {
      const got = await get(new URL('/x', server.url), { connector, stallMs: 2000, hasChecksum: true })
      await wait(times)
      got.drop()
    }
  })
})
