/** A part of a file, in bytes, both ends included. */
export type ByteRange = { first: number; last: number }

/**
 * The one range a request asks for, within a file of `sizeBytes` (RFC 9110, 14.1.2 and 14.2). Undefined: no range, or one
 * to be ignored (another unit, several ranges, a syntax error), so the whole file goes out. `unsatisfiable`: answer 416.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.replaceAll(' ', '') ?? '')
  if (match === null || (match[1] === '' && match[2] === '')) return undefined
  if (match[1] === '') {
    const suffix = Number(match[2])
    return suffix === 0 || sizeBytes === 0
      ? 'unsatisfiable'
      : { first: Math.max(0, sizeBytes - suffix), last: sizeBytes - 1 }
  }
  const first = Number(match[1])
  const last = match[2] === '' ? sizeBytes - 1 : Math.min(Number(match[2]), sizeBytes - 1)
  if (match[2] !== '' && Number(match[2]) < first) return undefined
  return first >= sizeBytes ? 'unsatisfiable' : { first, last }
}
