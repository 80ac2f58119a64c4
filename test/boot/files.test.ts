import { randomBytes } from 'node:crypto'
import { truncate } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTransfers } from '../../src/bytes/send/send-file.ts'
import { listBootEvents } from '../../src/inventory/boots/events.ts'
import { findFile } from '../../src/inventory/images/files.ts'
import { exchange, sha256, startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'
import { testBootKeys } from '../helpers/boots.ts'

const body = async (response: Response) => Buffer.from(await response.arrayBuffer())

describe('/files', () => {
  let server: TestBootServer
  const bytes = randomBytes(3_000_017)
  let path: string

  beforeAll(async () => {
    server = await startTestBootServer()
    const file = await server.addFile('vmlinuz', bytes)
    path = `/files/${file.sha256}/vmlinuz`
  })
  afterAll(() => server.stop())

  const get = (headers: Record<string, string> = {}, method = 'GET') => fetch(server.url + path, { headers, method })

  test('sends the whole file with its length, type and tag, to be cached forever', async () => {
    const response = await get()
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-length': '3000017',
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      etag: `"${sha256(bytes)}"`,
      'cache-control': 'public, max-age=31536000, immutable',
    })
    expect(sha256(await body(response))).toBe(sha256(bytes))
  })

  test('answers HEAD with the same headers and no body', async () => {
    const response = await get({}, 'HEAD')
    expect(response.headers.get('content-length')).toBe('3000017')
    expect((await body(response)).length).toBe(0)
  })

  test('sends one range as 206', async () => {
    const response = await get({ Range: 'bytes=1000000-2999999' })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe('bytes 1000000-2999999/3000017')
    expect((await body(response)).equals(bytes.subarray(1_000_000, 3_000_000))).toBe(true)
  })

  test('answers 416 with the size to a range outside the file', async () => {
    const response = await get({ Range: 'bytes=3000017-' })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe('bytes */3000017')
  })

  test('answers 304 when the client has these bytes', async () => {
    expect((await get({ 'If-None-Match': `"other", W/"${sha256(bytes)}"` })).status).toBe(304)
    expect((await get({ 'If-None-Match': '"other"' })).status).toBe(200)
  })

  test('sends the whole file when If-Range names other bytes', async () => {
    expect((await get({ Range: 'bytes=0-9', 'If-Range': '"other"' })).status).toBe(200)
    expect((await get({ Range: 'bytes=0-9', 'If-Range': `"${sha256(bytes)}"` })).status).toBe(206)
  })

  test.each(['0'.repeat(64), 'abc', '..%2f..%2fetc', `${'A'.repeat(64)}`])('has no file %s', async (hash) => {
    expect((await fetch(`${server.url}/files/${hash}/vmlinuz`)).status).toBe(404)
  })

  test('writes header names as GRUB reads them, and never chunks', async () => {
    const answer = await exchange(
      server.port,
      `GET ${path} HTTP/1.1\r\nHost: x\r\nRange: bytes=0-3\r\nConnection: close\r\n\r\n`,
    )
    const [head = ''] = answer.split('\r\n\r\n')
    expect(head).toContain('\r\nContent-Length: 4')
    expect(head).toContain('\r\nContent-Type: application/octet-stream')
    expect(head).toContain('\r\nETag: ')
    expect(head).not.toMatch(/transfer-encoding/i)
  })

  test('never serves a file of another size than was stored, and says so from then on', async () => {
    const file = await server.addFile('short', randomBytes(500_000))
    await truncate(join(server.folder, file.sha256.slice(0, 2), file.sha256), 499_999)
    const response = await fetch(`${server.url}/files/${file.sha256}/short`)
    expect(response.status).toBe(500)
    expect(await response.text()).toBe(
      `The file ${file.sha256} is damaged: the file has 499999 bytes instead of 500000.\n`,
    )
    expect((await findFile(server.deps.db, file.sha256))?.damage).toMatch(
      /^the file has 499999 bytes instead of 500000/,
    )
  })

  test('tells a file whose bytes are gone from one that never was', async () => {
    const file = await server.addFile('gone', randomBytes(1000))
    await server.deps.store.remove(file.sha256)
    const response = await fetch(`${server.url}/files/${file.sha256}/gone`)
    expect([response.status, await response.text()]).toEqual([
      500,
      `The file ${file.sha256} is damaged: the file is missing in the store.\n`,
    ])
  })

  test('serves an empty file', async () => {
    const file = await server.addFile('empty', Buffer.alloc(0))
    const response = await fetch(`${server.url}/files/${file.sha256}/empty`)
    expect([response.status, response.headers.get('content-length')]).toEqual([200, '0'])
  })

  test('counts a kernel for its boot when the body has ended, and records an interrupted download', async () => {
    const keys = testBootKeys()
    const decision = {
      target: { arch: 'x86_64' as const, platform: 'efi' as const, assumed: [] },
      spec: { kind: 'local' as const, method: 'exit-1' as const },
      groups: [],
      params: {},
      notices: [],
      reasons: [],
    }
    await server.deps.inventory.journal.openBoot({
      ...keys,
      facts: {},
      ip: '127.0.0.1',
      decision,
      script: '',
      reports: true,
    })
    await body(await fetch(`${server.url}${path}?boot=${keys.id}&stage=kernel`))
    const big = await server.addFile('big', Buffer.alloc(32 * 2 ** 20, 7))
    await cutOff(server.port, `/files/${big.sha256}/big?boot=${keys.id}&stage=initrd`)
    await expect.poll(async () => (await listBootEvents(server.deps.db, keys.id)).length, { timeout: 5000 }).toBe(3)
    const [, kernel, initrd] = await listBootEvents(server.deps.db, keys.id)
    expect(kernel).toMatchObject({ stage: 'kernel', file: 'vmlinuz', bytes: 3_000_017, ip: '127.0.0.1' })
    expect(kernel).not.toHaveProperty('message')
    expect(initrd?.message).toMatch(/^interrupted after \d+ of 33554432 bytes$/)
  })

  test('is not disturbed by a boot id that was invented', async () => {
    const invented = '01900000-0000-7000-8000-000000000000'
    for (const id of [invented, 'x', "'; drop table boots"]) {
      expect((await body(await fetch(`${server.url}${path}?boot=${encodeURIComponent(id)}&stage=kernel`))).length).toBe(
        3_000_017,
      )
    }
    await server.deps.inventory.events.flush()
    expect(await listBootEvents(server.deps.db, invented)).toEqual([])
  })
})

describe.each([
  ['from the page cache', true],
  ['in chunks', false],
])('a thousand readers that do not read, sent to %s', (_, zeroCopy) => {
  test('hold little memory, and others are served', async () => {
    const transfers = createTransfers({ cacheBytes: 2 ** 27, maxTransfers: 2000, bytesPerSecond: undefined, zeroCopy })
    const server = await startTestBootServer({ transfers })
    try {
      const bytes = Buffer.alloc(200 * 2 ** 20 - 5, randomBytes(1_000_003))
      const big = await server.addFile('big', bytes)
      const path = `/files/${big.sha256}/big`
      // Spread over the file, so that little memory could be shared: over more of it than may be kept.
      const before = process.memoryUsage().rss
      const sockets: Socket[] = []
      for (let reader = 0; reader < 1000; reader++)
        sockets.push(await stalledReader(server.port, path, reader * 200_000))
      const grown = process.memoryUsage().rss - before
      const middle = await fetch(server.url + path, { headers: { Range: 'bytes=100000000-109999999' } })
      expect(sha256(await body(middle))).toBe(sha256(bytes.subarray(100_000_000, 110_000_000)))
      for (const socket of sockets) socket.destroy()
      // Both ends of all connections are in this process.
      expect(grown).toBeLessThan(256 * 2 ** 20)
    } finally {
      await server.stop()
    }
  }, 60_000)
})

async function cutOff(port: number, path: string): Promise<void> {
  const socket = await stalledReader(port, path)
  socket.resetAndDestroy()
}

function stalledReader(port: number, path: string, from = 0): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nRange: bytes=${from}-\r\n\r\n`),
    )
    socket.once('error', reject)
    socket.once('data', () => {
      socket.pause()
      resolve(socket)
    })
  })
}
