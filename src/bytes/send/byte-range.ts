/** A part of a file, in bytes, both ends included. */
export type ByteRange = { first: number; last: number }

/** Whoever asks for more parts in one request gets the whole file: RFC 9110, 14.2, about requests that only cost. */
const mostRanges = 64

/** A file above this is never sent whole to a client that asked for a part of it. */
const maxUnaskedBytes = 4 * 2 ** 20

/**
 * The ranges a request asks for, within a file of `sizeBytes` (RFC 9110, 14.1.2 and 14.2), in the order asked. Undefined: none,
 * or a header to be ignored (another unit, too many ranges, or more bytes than the file has), so the whole file goes out.
 * `unsatisfiable`: answer 416. A range in bytes that cannot be read (iPXE for some platforms writes `bytes=u-u`) is ignored too,
 * but of a large file it is `unsatisfiable`: nobody who wants a part has a use for gigabytes.
 */
export function parseRanges(header: string | undefined, sizeBytes: number): ByteRange[] | 'unsatisfiable' | undefined {
  const list = /^bytes\s*=(.*)$/is.exec(header?.trim() ?? '')?.[1]
  if (list === undefined) return undefined
  const unreadable = sizeBytes > maxUnaskedBytes ? 'unsatisfiable' : undefined
  // A list may have empty members (RFC 9110, 5.6.1.2).
  const wanted = list
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
  if (wanted.length === 0) return unreadable
  if (wanted.length > mostRanges) return undefined
  const ranges: ByteRange[] = []
  for (const text of wanted) {
    const range = parseRange(text, sizeBytes)
    if (range === undefined) return unreadable
    if (range !== 'unsatisfiable') ranges.push(range)
  }
  if (ranges.length === 0) return 'unsatisfiable'
  const total = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  return ranges.length > 1 && total > sizeBytes ? undefined : ranges
}

function parseRange(text: string, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
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
