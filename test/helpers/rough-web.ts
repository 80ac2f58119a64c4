import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** The faults of one response. */
export type Rough = {
  /** Bytes of the body after which the server closes the connection. */
  cutAfter?: number
  /** Bytes of the body after which the server sends nothing more. */
  stallAfter?: number
  /** Approximate speed, bytes per second. */
  bytesPerSecond?: number
  /** The server ignores Range. */
  ignoreRange?: true
  /** The response has neither an ETag nor a Last-Modified header. */
  noValidators?: true
  /** The ETag of the response. */
  etag?: string
  status?: number
  headers?: Record<string, string>
  /** The value of Content-Length, even if the body has another length. `none` leaves the header out. */
  length?: number | 'none'
  location?: string
}

export type Asked = { path: string; range: string | undefined; ifRange: string | undefined; status: number }

export type RoughWeb = {
  url: string
  /** Every request, in order. */
  asked: Asked[]
  /** The served files, by path. Tests may change them. */
  files: Map<string, Buffer>
  stop: () => Promise<void>
}

/**
 * Starts a web server on a loopback port that serves bytes by RFC 9110 (Range, If-Range, 416). `behave` returns the faults of
 * the n-th response to a path, counted from 1.
 */
export async function startRoughWeb(
  files: Record<string, Buffer>,
  behave: (path: string, times: number) => Rough = () => ({}),
): Promise<RoughWeb> {
  const served = new Map(Object.entries(files))
  const asked: Asked[] = []
  const server = http.createServer(async (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    const { range, 'if-range': ifRange } = request.headers as Record<string, string | undefined>
    const times = asked.filter((earlier) => earlier.path === path).length + 1
    const rough = behave(path, times)
    const seen: Asked = { path, range, ifRange, status: 0 }
    asked.push(seen)
    response.on('error', () => {})
    const bytes = served.get(path)
    const answer = answerTo(bytes, range, ifRange, rough)
    seen.status = answer.status
    response.writeHead(answer.status, { ...answer.headers, ...rough.headers })
    if (answer.body === undefined) response.end()
    else await send(response, answer.body, rough)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    files: served,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The entity tag for these bytes. */
export function etagFor(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`
}

const lastModified = 'Wed, 21 Oct 2015 07:28:00 GMT'

function answerTo(
  bytes: Buffer | undefined,
  range: string | undefined,
  ifRange: string | undefined,
  rough: Rough,
): { status: number; headers: http.OutgoingHttpHeaders; body?: Buffer } {
  if (rough.location !== undefined) return { status: rough.status ?? 302, headers: { location: rough.location } }
  if (rough.status !== undefined) return { status: rough.status, headers: {} }
  if (bytes === undefined) return { status: 404, headers: {} }
  const etag = rough.etag ?? etagFor(bytes)
  const validators = rough.noValidators ? {} : { etag, 'last-modified': lastModified }
  const length = rough.length === 'none' ? {} : { 'content-length': rough.length ?? bytes.length }
  const fits = ifRange === undefined || ifRange === etag || ifRange === lastModified
  const first = /^bytes=(\d+)-$/.exec(range ?? '')?.[1]
  if (first === undefined || !fits || rough.ignoreRange)
    return { status: 200, headers: { ...validators, ...length }, body: bytes }
  if (Number(first) >= bytes.length) return { status: 416, headers: { 'content-range': `bytes */${bytes.length}` } }
  const body = bytes.subarray(Number(first))
  const contentRange = `bytes ${first}-${bytes.length - 1}/${bytes.length}`
  return {
    status: 206,
    headers: { ...validators, 'content-range': contentRange, 'content-length': body.length },
    body,
  }
}

async function send(response: http.ServerResponse, body: Buffer, rough: Rough): Promise<void> {
  const { cutAfter, stallAfter, bytesPerSecond } = rough
  const gone = new Promise((resolve) => response.once('close', resolve))
  const chunkBytes = bytesPerSecond === undefined ? 65_536 : Math.max(1024, Math.floor(bytesPerSecond / 50))
  const end = Math.min(body.length, cutAfter ?? body.length, stallAfter ?? body.length)
  for (let at = 0; at < end && !response.destroyed; at += chunkBytes) {
    const chunk = body.subarray(at, Math.min(at + chunkBytes, end))
    if (!response.write(chunk)) await Promise.race([new Promise((resolve) => response.once('drain', resolve)), gone])
    if (bytesPerSecond !== undefined) await wait(20)
  }
  // The written bytes arrive before the connection ends.
  if (cutAfter !== undefined && cutAfter < body.length) response.socket?.end()
  else if (stallAfter === undefined || stallAfter >= body.length) response.end()
}
