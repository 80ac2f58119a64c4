import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTransfers } from '../../../src/bytes/send/send-file.ts'
import { sha256, startTestBootServer, type TestBootServer } from '../../helpers/boot-server.ts'

// GET and HEAD of RFC 9110, for a representation with a strong entity tag and no Last-Modified, over real sockets. Each case runs
// twice: the kernel sends from its page cache, and chunks are read into memory.
const size = 3_000_017
const bytes = randomBytes(size)
const tag = `"${sha256(bytes)}"`

type Asked = { method?: string; headers: Record<string, string> }
type Expected = { status: number; range?: string; length?: number; body?: [number, number] | 'none' }

const table: [section: string, what: string, Asked, Expected][] = [
  ['9.3.1', 'GET', { headers: {} }, { status: 200, length: size, body: [0, size] }],
  ['9.3.2', 'HEAD', { method: 'HEAD', headers: {} }, { status: 200, length: size, body: 'none' }],
  [
    '8.4',
    'an encoding is accepted, none is used',
    { headers: { 'Accept-Encoding': 'gzip, br' } },
    { status: 200, length: size, body: [0, size] },
  ],
  [
    '14.2',
    'the first bytes',
    { headers: { Range: 'bytes=0-0' } },
    { status: 206, length: 1, range: `bytes 0-0/${size}`, body: [0, 1] },
  ],
  [
    '14.2',
    'from the middle',
    { headers: { Range: 'bytes=1000000-1999999' } },
    { status: 206, length: 1_000_000, range: `bytes 1000000-1999999/${size}`, body: [1_000_000, 2_000_000] },
  ],
  [
    '14.2',
    'to the end',
    { headers: { Range: 'bytes=2000000-' } },
    { status: 206, length: size - 2_000_000, range: `bytes 2000000-${size - 1}/${size}`, body: [2_000_000, size] },
  ],
  [
    '14.1.2',
    'the last bytes',
    { headers: { Range: 'bytes=-17' } },
    { status: 206, length: 17, range: `bytes ${size - 17}-${size - 1}/${size}`, body: [size - 17, size] },
  ],
  [
    '14.1.2',
    'more last bytes than there are',
    { headers: { Range: `bytes=-${size + 5}` } },
    { status: 206, length: size, range: `bytes 0-${size - 1}/${size}`, body: [0, size] },
  ],
  [
    '14.1.2',
    'an end beyond the end',
    { headers: { Range: `bytes=${size - 1}-${size * 2}` } },
    { status: 206, length: 1, range: `bytes ${size - 1}-${size - 1}/${size}`, body: [size - 1, size] },
  ],
  [
    '15.5.17',
    'a start beyond the end',
    { headers: { Range: `bytes=${size}-` } },
    { status: 416, length: 0, range: `bytes */${size}`, body: 'none' },
  ],
  [
    '15.5.17',
    'no last bytes',
    { headers: { Range: 'bytes=-0' } },
    { status: 416, length: 0, range: `bytes */${size}`, body: 'none' },
  ],
  [
    '14.2',
    'a range is for GET alone',
    { method: 'HEAD', headers: { Range: 'bytes=0-9' } },
    { status: 200, length: size, body: 'none' },
  ],
  ['14.2', 'another unit', { headers: { Range: 'lines=0-9' } }, { status: 200, length: size, body: [0, size] }],
  ['14.2', 'a range that is none', { headers: { Range: 'bytes=9-0' } }, { status: 200, length: size, body: [0, size] }],
  [
    '14.2',
    'several ranges get the whole file',
    { headers: { Range: `bytes=2000000-2499999, 0-4,-3` } },
    { status: 200, length: size, body: [0, size] },
  ],
  [
    '14.2',
    'several ranges get the whole file, also when only one can be satisfied',
    { headers: { Range: `bytes=5-9,${size}-` } },
    { status: 200, length: size, body: [0, size] },
  ],
  [
    '14.2',
    'the whole file twice',
    { headers: { Range: 'bytes=0-,0-' } },
    { status: 200, length: size, body: [0, size] },
  ],
  ['13.1.2', 'If-None-Match, the same', { headers: { 'If-None-Match': tag } }, { status: 304, body: 'none' }],
  [
    '13.1.2',
    'If-None-Match, weakly the same',
    { headers: { 'If-None-Match': `"x", W/${tag}` } },
    { status: 304, body: 'none' },
  ],
  ['13.1.2', 'If-None-Match, any', { headers: { 'If-None-Match': '*' } }, { status: 304, body: 'none' }],
  [
    '13.1.2',
    'If-None-Match, another',
    { headers: { 'If-None-Match': '"x"' } },
    { status: 200, length: size, body: [0, size] },
  ],
  [
    '13.1.2',
    'If-None-Match on HEAD',
    { method: 'HEAD', headers: { 'If-None-Match': tag } },
    { status: 304, body: 'none' },
  ],
  [
    '13.2.2',
    'If-None-Match before Range',
    { headers: { 'If-None-Match': tag, Range: 'bytes=0-9' } },
    { status: 304, body: 'none' },
  ],
  [
    '13.1.1',
    'If-Match, the same',
    { headers: { 'If-Match': `"x", ${tag}`, Range: 'bytes=0-9' } },
    { status: 206, length: 10, range: `bytes 0-9/${size}`, body: [0, 10] },
  ],
  ['13.1.1', 'If-Match, any', { headers: { 'If-Match': '*' } }, { status: 200, length: size, body: [0, size] }],
  ['13.1.1', 'If-Match, another', { headers: { 'If-Match': '"x"' } }, { status: 412, length: 0, body: 'none' }],
  [
    '8.8.3.2',
    'If-Match, weak, is no match',
    { headers: { 'If-Match': `W/${tag}` } },
    { status: 412, length: 0, body: 'none' },
  ],
  [
    '13.1.5',
    'If-Range, the same',
    { headers: { 'If-Range': tag, Range: 'bytes=0-9' } },
    { status: 206, length: 10, range: `bytes 0-9/${size}`, body: [0, 10] },
  ],
  [
    '13.1.5',
    'If-Range, another',
    { headers: { 'If-Range': '"x"', Range: 'bytes=0-9' } },
    { status: 200, length: size, body: [0, size] },
  ],
  [
    '13.1.5',
    'If-Range, weak, is no match',
    { headers: { 'If-Range': `W/${tag}`, Range: 'bytes=0-9' } },
    { status: 200, length: size, body: [0, size] },
  ],
  [
    '13.1.5',
    'If-Range, a date we never gave',
    { headers: { 'If-Range': 'Wed, 25 Nov 2026 00:00:00 GMT', Range: 'bytes=0-9' } },
    { status: 200, length: size, body: [0, size] },
  ],
  [
    '13.1.5',
    'If-Range without Range',
    { headers: { 'If-Range': tag } },
    { status: 200, length: size, body: [0, size] },
  ],
  [
    '13.1.3',
    'If-Modified-Since without Last-Modified',
    { headers: { 'If-Modified-Since': 'Wed, 25 Nov 2026 00:00:00 GMT' } },
    { status: 200, length: size, body: [0, size] },
  ],
]

describe.each([
  ['from the page cache', true],
  ['in chunks', false],
])('a file is answered %s', (_, zeroCopy) => {
  let server: TestBootServer
  let path: string
  beforeAll(async () => {
    const transfers = createTransfers({ cacheBytes: 2 ** 23, maxTransfers: 100, bytesPerSecond: undefined, zeroCopy })
    server = await startTestBootServer({ transfers })
    path = `/files/${(await server.addFile('vmlinuz', bytes)).sha256}/vmlinuz`
  })
  afterAll(() => server.stop())

  test.each(table)('RFC 9110, %s: %s', async (_section, _what, { method = 'GET', headers }, expected) => {
    const { status, headers: got, body } = await ask(server.port, method, path, headers)
    expect(status).toBe(expected.status)
    expect(got['content-range']).toBe(expected.range)
    expect(got['content-length']).toBe(expected.length === undefined ? undefined : String(expected.length))
    expect(got['content-encoding']).toBeUndefined()
    expect(got['transfer-encoding']).toBeUndefined()
    if (status < 400) {
      expect(got.etag).toBe(tag)
      expect(got['accept-ranges']).toBe('bytes')
      expect(got['cache-control']).toBe('public, max-age=31536000, immutable')
    }
    const wanted = expected.body === undefined || expected.body === 'none' ? [0, 0] : expected.body
    expect(sha256(body)).toBe(sha256(bytes.subarray(...wanted)))
  })

  test('answers request after request on one connection, also those sent before the answer came', async () => {
    const requests = [10, 200_000, 1_500_000].map(
      (length) => `GET ${path} HTTP/1.1\r\nHost: x\r\nRange: bytes=5-${4 + length}\r\n\r\n`,
    )
    const answer = await sendRaw(
      server.port,
      `${requests.join('')}GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    let rest = answer
    for (const length of [10, 200_000, 1_500_000, size]) {
      const start = rest.indexOf('\r\n\r\n') + 4
      const from = length === size ? 0 : 5
      expect(sha256(rest.subarray(start, start + length))).toBe(sha256(bytes.subarray(from, from + length)))
      rest = rest.subarray(start + length)
    }
    expect(rest.length).toBe(0)
  })
})

type Answer = { status: number; headers: Record<string, string | undefined>; body: Buffer }

function ask(port: number, method: string, path: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string | undefined>,
          body: Buffer.concat(parts),
        }),
      )
    })
      .on('error', reject)
      .end()
  })
}

function sendRaw(port: number, text: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer in 10 s')))
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(parts)))
  })
}
