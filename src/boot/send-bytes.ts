import type { ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { OpenFile } from '../store/file-store.ts'
import { type ByteRange, parseRange } from './byte-range.ts'
import type { BootContext } from './request.ts'

/** What went out: `complete` when the last byte was handed to the system. */
export type Sent = { bytes: number; complete: boolean; durationMs: number }

/** Memory that one download holds beside the socket's own. */
const chunkBytes = 256 * 1024

/**
 * Answers GET and HEAD for bytes that never change under their `etag`: with their length, never chunked, one range if
 * asked. Writes to Node's response itself: through web streams the same costs twice the processor time.
 * `sent` is called once for a GET that began, when it ended either way.
 */
export async function sendBytes(
  c: BootContext,
  source: OpenFile,
  headers: Record<string, string>,
  sent: (result: Sent) => void,
): Promise<Response> {
  const { outgoing, incoming } = c.env
  const { ETag: etag = '' } = headers
  const range = ifRangeHolds(c.req.header('if-range'), etag)
    ? parseRange(incoming.headers.range, source.sizeBytes)
    : undefined
  const common = { ...headers, 'Accept-Ranges': 'bytes' }
  try {
    if (matchesEtag(incoming.headers['if-none-match'], etag))
      return new Response(null, { status: 304, headers: common })
    if (range === 'unsatisfiable')
      return new Response(null, {
        status: 416,
        headers: { 'Content-Range': `bytes */${source.sizeBytes}`, 'Content-Length': '0' },
      })
    const { first, last } = range ?? { first: 0, last: source.sizeBytes - 1 }
    const partial: Record<string, string> =
      range === undefined ? {} : { 'Content-Range': `bytes ${first}-${last}/${source.sizeBytes}` }
    const all = { ...common, ...partial, 'Content-Length': String(last - first + 1) }
    const status = range === undefined ? 200 : 206
    if (incoming.method === 'HEAD') return new Response(null, { status, headers: all })
    outgoing.writeHead(status, all)
    sent(await pump(outgoing, source, { first, last }))
    return RESPONSE_ALREADY_SENT
  } finally {
    await source.close()
  }
}

// One buffer, filled again only when the system has taken it: a slow reader holds this much and no more.
async function pump(outgoing: ServerResponse, source: OpenFile, { first, last }: ByteRange): Promise<Sent> {
  const started = performance.now()
  const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(1, last - first + 1)))
  let position = first
  try {
    while (position <= last) {
      const wanted = Math.min(buffer.length, last - position + 1)
      const got = await source.read(buffer.subarray(0, wanted), position)
      if (got === 0) throw new Error('the file is shorter than it was')
      await write(outgoing, buffer.subarray(0, got))
      position += got
    }
    outgoing.end()
  } catch {
    // The length is promised already: cutting the connection is the only way to say that it will not be kept.
    outgoing.destroy()
  }
  return { bytes: position - first, complete: position > last, durationMs: Math.round(performance.now() - started) }
}

function write(outgoing: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = () => reject(new Error('the client went away'))
    if (outgoing.destroyed) return closed()
    outgoing.once('close', closed)
    outgoing.write(bytes, (error) => {
      outgoing.off('close', closed)
      if (error) reject(error)
      else resolve()
    })
  })
}

// Strong tags only, compared as they are; `*` is any (RFC 9110, 13.1.2).
function matchesEtag(header: string | undefined, etag: string): boolean {
  return header?.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag) ?? false
}

// Another version than the client has, so its range would not fit: send the whole (RFC 9110, 13.1.5).
function ifRangeHolds(header: string | undefined, etag: string): boolean {
  return header === undefined || header.trim() === etag
}
