// The files of a journal: their names, their order and their contents. Called by run.ts and former-runs.ts.
import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { frameAt, nextFrame } from './frames.ts'

/** A file of a run. `start` is the offset of its first byte in the run. */
export type Segment = { path: string; run: string; ordinal: number; start: number }

/** A record of a run. `end`: the offset after it. */
export type Entry<Note> = {
  text: string
  end: number
  /** The record is in a file. */
  stored: boolean
  /** What the caller gave with the text, unless it was read from a file. */
  note?: Note
}

/** The first record of each segment. Times in milliseconds; `monotonicMs` counts since the computer started. */
export type SegmentHead = { journal: 1; wallMs: number; monotonicMs: number; computer: string }

/** `00000007-0192…-000000000000000.log`: the number of the start, the run, and the offset. */
export function segmentPath(folder: string, { ordinal, run, start }: Omit<Segment, 'path'>): string {
  return join(folder, `${String(ordinal).padStart(8, '0')}-${run}-${String(start).padStart(15, '0')}.log`)
}

/** The segments of a folder, in the order of their runs and offsets. Other files are ignored. */
export async function listSegments(folder: string): Promise<Segment[]> {
  const names = await readdir(folder)
  return names
    .sort()
    .flatMap((name) => {
      const [, ordinal, run, start] = /^(\d{8})-([0-9a-f-]{36})-(\d{15})\.log$/.exec(name) ?? []
      if (ordinal === undefined || run === undefined || start === undefined) return []
      return [{ path: join(folder, name), run, ordinal: Number(ordinal), start: Number(start) }]
    })
    .sort((a, b) => a.ordinal - b.ordinal || (a.run === b.run ? a.start - b.start : a.run < b.run ? -1 : 1))
}

/** A piece of a segment. */
export type Piece = {
  head: SegmentHead | undefined
  entries: Entry<never>[]
  /** The offset at which the next piece begins. */
  next: number
  /** The file has no more bytes. */
  isLast: boolean
  /** Bytes that no valid record covers. At the end of a file, the process was killed while it wrote them. */
  damagedBytes: number
  tornBytes: number
}

/**
 * Reads about `maxBytes` of a segment, from an offset of its run at which a record begins. Damaged records are skipped.
 * `maxBytes` undefined: all of it.
 */
export async function readPiece(segment: Segment, from: number, maxBytes?: number): Promise<Piece> {
  const handle = await open(segment.path)
  try {
    const at = Math.max(0, from - segment.start)
    const left = Math.max(0, (await handle.stat()).size - at)
    const length = Math.min(left, maxBytes ?? left)
    const bytes = Buffer.allocUnsafe(length)
    const { bytesRead } = await handle.read(bytes, 0, length, at)
    const piece = parsePiece(bytes.subarray(0, bytesRead), segment.start + at, at === 0, bytesRead === left)
    // A record longer than the piece, or a damaged one: both are rare, so the remaining file is read at once.
    return piece ?? (await readPiece(segment, from))
  } finally {
    await handle.close()
  }
}

/** Undefined if a decision needs more bytes. */
function parsePiece(bytes: Buffer, start: number, isFirst: boolean, isLast: boolean): Piece | undefined {
  const piece: Piece = { head: undefined, entries: [], next: start, isLast, damagedBytes: 0, tornBytes: 0 }
  let at = 0
  while (at < bytes.length) {
    const frame = frameAt(bytes, at)
    if (typeof frame === 'object') {
      if (at === 0 && isFirst) piece.head = headIn(frame.text)
      if (piece.head === undefined || at > 0)
        piece.entries.push({ text: frame.text, end: start + frame.end, stored: true })
      at = frame.end
      continue
    }
    if (!isLast) {
      if (frame === 'damaged' || at === 0) return undefined
      break
    }
    const next = nextFrame(bytes, at + 1)
    if (next === undefined) {
      piece.tornBytes = bytes.length - at
      at = bytes.length
    } else {
      piece.damagedBytes += next - at
      at = next
    }
  }
  piece.next = start + at
  return piece
}

function headIn(text: string): SegmentHead | undefined {
  const value = JSON.parse(text) as Partial<SegmentHead>
  return value.journal === 1 ? (value as SegmentHead) : undefined
}

/** Deletes files that may be gone already. */
export async function removeSegments(segments: Pick<Segment, 'path'>[]): Promise<void> {
  await Promise.all(segments.map(({ path }) => rm(path, { force: true })))
}
