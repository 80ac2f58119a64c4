// What a request for a file is answered: status, headers and range. Pure.
import type { IncomingHttpHeaders } from 'node:http'
import { type ByteRange, parseRange } from './byte-range.ts'

/** The answer to a request for bytes that never change under their tag. `part` is what goes out; without it there is no body. */
export type FileAnswer = {
  status: 200 | 206 | 304 | 412 | 416
  headers: Record<string, string>
  part: ByteRange | undefined
}

/**
 * What a GET or HEAD for a file is answered (RFC 9110: preconditions of 13.2.2 in their order, ranges of 14). Pure. There is no
 * Last-Modified, so conditions on a date do not apply.
 * @param headers those of every success, `ETag` (a strong one) and `Content-Type` among them
 */
export function answerFor(
  method: string | undefined,
  asked: IncomingHttpHeaders,
  sizeBytes: number,
  headers: { ETag: string; 'Content-Type': string } & Record<string, string>,
): FileAnswer {
  const { ETag: etag } = headers
  const common = { ...headers, 'Accept-Ranges': 'bytes' }
  if (asked['if-match'] !== undefined && !matches(asked['if-match'], etag, 'strong')) return empty(412, {})
  if (matches(asked['if-none-match'], etag, 'weak')) {
    const { 'Content-Type': _, ...kept } = common
    return { status: 304, headers: kept, part: undefined }
  }
  // Range is for GET alone (RFC 9110, 14.2), and only for the bytes that the client has a part of already (13.1.5).
  const applies = method === 'GET' && (asked['if-range'] === undefined || String(asked['if-range']).trim() === etag)
  const range = applies ? parseRange(asked.range, sizeBytes) : undefined
  if (range === 'unsatisfiable') return empty(416, { 'Content-Range': `bytes */${sizeBytes}` })
  if (range === undefined) {
    const part = sizeBytes > 0 ? { first: 0, last: sizeBytes - 1 } : undefined
    return { status: 200, headers: { ...common, 'Content-Length': String(sizeBytes) }, part }
  }
  const about = {
    'Content-Range': `bytes ${range.first}-${range.last}/${sizeBytes}`,
    'Content-Length': String(lengthOf(range)),
  }
  return { status: 206, headers: { ...common, ...about }, part: range }
}

/** How many bytes a part has; none, when there is no part. */
export function lengthOf(part: ByteRange | undefined): number {
  return part === undefined ? 0 : part.last - part.first + 1
}

function empty(status: 412 | 416, headers: Record<string, string>): FileAnswer {
  return { status, headers: { ...headers, 'Content-Length': '0' }, part: undefined }
}

// `*` is any (13.1.1, 13.1.2). A weak tag is never strongly equal (8.8.3.2).
function matches(header: string | undefined, etag: string, comparison: 'strong' | 'weak'): boolean {
  const tags = header?.split(',').map((tag) => tag.trim()) ?? []
  return tags.some((tag) => tag === '*' || tag === etag || (comparison === 'weak' && tag === `W/${etag}`))
}
