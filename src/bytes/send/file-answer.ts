// The answer to a request for a file: status, headers and range. Pure.
import type { IncomingHttpHeaders } from 'node:http'
import { type ByteRange, parseRange } from './byte-range.ts'

/** The answer to a request for a file that never changes under its ETag. `part` is the body; undefined: there is no body. */
export type FileAnswer = {
  status: 200 | 206 | 304 | 412 | 416
  headers: Record<string, string>
  part: ByteRange | undefined
}

/**
 * The answer to a GET or HEAD for a file (RFC 9110: preconditions in the order of 13.2.2, ranges of 14). Pure. There is no
 * Last-Modified, so conditions on a date do not apply.
 * @param headers the headers of every success, including `Content-Type` and a strong `ETag`
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
  // Range applies to GET only (RFC 9110, 14.2). If-Range limits it to the file that the client already has a part of (13.1.5).
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

/** The length of a part in bytes; 0 if there is no part. */
export function lengthOf(part: ByteRange | undefined): number {
  return part === undefined ? 0 : part.last - part.first + 1
}

function empty(status: 412 | 416, headers: Record<string, string>): FileAnswer {
  return { status, headers: { ...headers, 'Content-Length': '0' }, part: undefined }
}

// `*` matches any tag (RFC 9110, 13.1.1, 13.1.2). A weak tag never matches in a strong comparison (8.8.3.2).
function matches(header: string | undefined, etag: string, comparison: 'strong' | 'weak'): boolean {
  const tags = header?.split(',').map((tag) => tag.trim()) ?? []
  return tags.some((tag) => tag === '*' || tag === etag || (comparison === 'weak' && tag === `W/${etag}`))
}
