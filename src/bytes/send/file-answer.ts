import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { type ByteRange, parseRanges } from './byte-range.ts'

/** What goes out, in this order: texts of ours, and parts of the file. */
export type Part = { text: Buffer } | ByteRange

/** The answer to a request for bytes that never change under their tag. Without parts it has no body. */
export type FileAnswer = { status: 200 | 206 | 304 | 412 | 416; headers: Record<string, string>; parts: Part[] }

/**
 * What a GET or HEAD for a file is answered (RFC 9110: preconditions of 13.2.2 in their order, ranges of 14). Pure but for
 * the boundary between several ranges. There is no Last-Modified, so conditions on a date do not apply.
 * @param headers those of every success, `ETag` (a strong one) and `Content-Type` among them
 */
export function answerFor(
  method: string | undefined,
  asked: IncomingHttpHeaders,
  sizeBytes: number,
  headers: { ETag: string; 'Content-Type': string } & Record<string, string>,
): FileAnswer {
  const { ETag: etag, 'Content-Type': type } = headers
  const common = { ...headers, 'Accept-Ranges': 'bytes' }
  if (asked['if-match'] !== undefined && !matches(asked['if-match'], etag, 'strong')) return empty(412, {})
  if (matches(asked['if-none-match'], etag, 'weak')) {
    const { 'Content-Type': _, ...kept } = common
    return { status: 304, headers: kept, parts: [] }
  }
  // Range is for GET alone (RFC 9110, 14.2), and only for the bytes that the client has a part of already (13.1.5).
  const applies = method === 'GET' && (asked['if-range'] === undefined || String(asked['if-range']).trim() === etag)
  const ranges = applies ? parseRanges(asked.range, sizeBytes) : undefined
  if (ranges === 'unsatisfiable') return empty(416, { 'Content-Range': `bytes */${sizeBytes}` })
  if (ranges === undefined) {
    const parts = sizeBytes > 0 ? [{ first: 0, last: sizeBytes - 1 }] : []
    return { status: 200, headers: { ...common, 'Content-Length': String(sizeBytes) }, parts }
  }
  const [only] = ranges
  if (ranges.length === 1 && only !== undefined) {
    const range = { 'Content-Range': contentRange(only, sizeBytes), 'Content-Length': String(lengthOf(only)) }
    return { status: 206, headers: { ...common, ...range }, parts: ranges }
  }
  // Several: multipart/byteranges (14.6), whose length is known all the same.
  const boundary = randomBytes(16).toString('hex')
  const parts: Part[] = ranges.flatMap((range, index) => [
    {
      text: Buffer.from(
        `${index > 0 ? '\r\n' : ''}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: ${contentRange(range, sizeBytes)}\r\n\r\n`,
      ),
    },
    range,
  ])
  parts.push({ text: Buffer.from(`\r\n--${boundary}--\r\n`) })
  const length = parts.reduce((sum, part) => sum + lengthOf(part), 0)
  const multipart = {
    'Content-Type': `multipart/byteranges; boundary=${boundary}`,
    'Content-Length': String(length),
  }
  return { status: 206, headers: { ...common, ...multipart }, parts }
}

/** How many bytes a part has. */
export function lengthOf(part: Part): number {
  return 'text' in part ? part.text.length : part.last - part.first + 1
}

function empty(status: 412 | 416, headers: Record<string, string>): FileAnswer {
  return { status, headers: { ...headers, 'Content-Length': '0' }, parts: [] }
}

function contentRange({ first, last }: ByteRange, sizeBytes: number): string {
  return `bytes ${first}-${last}/${sizeBytes}`
}

// `*` is any (13.1.1, 13.1.2). A weak tag is never strongly equal (8.8.3.2).
function matches(header: string | undefined, etag: string, comparison: 'strong' | 'weak'): boolean {
  const tags = header?.split(',').map((one) => one.trim()) ?? []
  return tags.some((one) => one === '*' || one === etag || (comparison === 'weak' && one === `W/${etag}`))
}
