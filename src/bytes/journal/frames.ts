// The form of a record in a journal's file: its length, its checksum and its text. Called by segments.ts and run.ts.
import { crc32 } from 'node:zlib'

/** Bytes before the text of a record: two little-endian numbers of 32 bits. */
export const frameHeadBytes = 8
/** The longest text of a record, in bytes. A boot's record contains its script and its decision, some kilobytes. */
export const maxTextBytes = 4 * 2 ** 20

/** Texts as one buffer of records, and the length of each record. */
export function encodeFrames(texts: string[]): { bytes: Buffer; sizes: number[] } {
  const sizes = texts.map((text) => frameHeadBytes + Buffer.byteLength(text))
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size, 0))
  let at = 0
  for (const [index, text] of texts.entries()) {
    const size = sizes[index] as number
    const length = size - frameHeadBytes
    const body = bytes.subarray(at + frameHeadBytes, at + size)
    body.write(text)
    bytes.writeUInt32LE(length, at)
    // The length is the first value of the checksum: a wrong length has a wrong checksum.
    bytes.writeUInt32LE(crc32(body, length), at + 4)
    at += size
  }
  return { bytes, sizes }
}

/** A text, and the offset after its record. */
export type Frame = { text: string; end: number }

/**
 * The record at an offset. `short`: the buffer ends before the record does. `damaged`: no valid record begins here. An empty
 * text is damaged, because a power cut may leave zeros at the end of a file.
 */
export function frameAt(bytes: Buffer, at: number): Frame | 'short' | 'damaged' {
  if (bytes.length - at < frameHeadBytes) return 'short'
  const length = bytes.readUInt32LE(at)
  if (length === 0 || length > maxTextBytes) return 'damaged'
  const end = at + frameHeadBytes + length
  if (end > bytes.length) return 'short'
  const body = bytes.subarray(at + frameHeadBytes, end)
  return crc32(body, length) === bytes.readUInt32LE(at + 4) ? { text: body.toString('utf8'), end } : 'damaged'
}

/** The offset of the next valid record after damaged bytes; undefined if the buffer has no more. */
export function nextFrame(bytes: Buffer, from: number): number | undefined {
  for (let at = from; at + frameHeadBytes < bytes.length; at++) if (typeof frameAt(bytes, at) === 'object') return at
  return undefined
}
