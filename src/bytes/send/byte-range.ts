// The Range header of a request for a file: RFC 9110, 14.1.2 and 14.2.

/** A part of a file, in bytes, both ends included. */
export type ByteRange = { first: number; last: number }

/** A larger file is never sent whole in answer to a malformed range. */
const maxUnaskedBytes = 4 * 2 ** 20

/**
 * The requested range within a file of `sizeBytes`. Undefined means that the whole file is sent: there is no range, another
 * unit, or several ranges. RFC 9110, 14.2, lets a server ignore several ranges, and no boot client requests them.
 * `unsatisfiable` means 416. A malformed range is ignored too (iPXE for some platforms sends `bytes=u-u`). For a large file it
 * is `unsatisfiable`, because a client that wants a part has no use for gigabytes.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const list = /^bytes\s*=(.*)$/is.exec(header?.trim() ?? '')?.[1]
  if (list === undefined) return undefined
  // A list may have empty members (RFC 9110, 5.6.1.2).
  const ranges = list
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => readRange(text, sizeBytes))
  if (ranges.length === 0 || ranges.includes(undefined))
    return sizeBytes > maxUnaskedBytes ? 'unsatisfiable' : undefined
  return ranges.length === 1 ? ranges[0] : undefined
}

function readRange(text: string, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^(\d{0,15})-(\d*)$/.exec(text)
  if (match === null || text === '-') return undefined
  const [, from = '', to = ''] = match
  if (from === '') {
    const suffix = Number(to)
    if (suffix === 0 || sizeBytes === 0) return 'unsatisfiable'
    return { first: Math.max(0, sizeBytes - suffix), last: sizeBytes - 1 }
  }
  const first = Number(from)
  if (to !== '' && Number(to) < first) return undefined
  if (first >= sizeBytes) return 'unsatisfiable'
  return { first, last: to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1) }
}
