// The journal of one start of the server: an ordered log of texts in files. Called by open-journal.ts.
import { syncFolder } from '../../lib/folders.ts'
import { headOfRun, presentOf } from './clock.ts'
import { encodeFrames, maxTextBytes } from './frames.ts'
import { createGroupSync } from './group-sync.ts'
import { createRecent } from './recent.ts'
import { openSegmentFile, type SegmentFile } from './segment-file.ts'
import { type Entry, readPiece, removeSegments, type Segment, segmentPath } from './segments.ts'

/** Where a record is. `stored`: in a file; otherwise only in memory, until it is released. */
export type Place = { end: number; stored: boolean }

/** The functions that a reader of a run needs: the present run and former ones have them. */
export type ReadableRun<Note> = {
  run: string
  /** The offset of the first record that may be read. */
  first: () => number
  /** The present time in milliseconds, on the clock of the run. */
  now: () => number
  /** The next records after an offset, about `maxBytes` of them; empty at the end. */
  read: (from: number, maxBytes: number) => Promise<Entry<Note>[]>
  /** Everything before an offset has been read: its files are deleted. */
  release: (before: number) => void
}

/** A log of texts that survives the end of the process. A `note` stays in memory with its text, for the reader. */
export type Run<Note> = ReadableRun<Note> & {
  /**
   * Adds a text. Resolves when the operating system has the text, so that an end of the process does not lose it. Undefined:
   * the journal is full, or neither the disk nor memory can take the text.
   */
  append: (text: string, note: Note) => Promise<Place | undefined>
  /** Writes everything before the call to the disk, so that a power cut does not lose it. False if that failed. */
  sync: () => Promise<boolean>
  /** Why files cannot be written, in words; undefined if they can. */
  fault: () => string | undefined
  /** Bytes that are not released. */
  waitingBytes: () => number
  close: () => Promise<void>
}

/** `ordinal` is the number of this start, above those of former runs. */
export type RunSettings = {
  folder: string
  run: string
  ordinal: number
  /** Limit of bytes that are not released, those of former runs included. */
  maxBytes: number
  formerBytes?: () => number
  /** Called when files cannot be written, and when they can be written again. */
  onFault?: (fault: string | undefined) => void
  segmentBytes?: number
  /** How long a file stays after its last record was released, milliseconds. */
  keptMs?: number
  /** Limit of texts in memory, in characters. */
  maxMemory?: number
  /** Milliseconds from a failed write to the next attempt. */
  retryMs?: number
}

/** Longer than the time between two savings of the roster. */
export const defaultKeptMs = 180_000

/** Limit of released bytes that stay, whatever their age. */
const maxReleasedBytes = 256 * 2 ** 20

type Kept = Segment & { end: number; file: SegmentFile; releasedAt?: number }
type Waiting<Note> = { text: string; note: Note; resolve: (place: Place | undefined) => void }

/** Begins a run. Its first file is made with its first record. */
export function startRun<Note>({
  folder,
  run,
  ordinal,
  maxBytes,
  formerBytes = () => 0,
  onFault,
  segmentBytes = 16 * 2 ** 20,
  keptMs = defaultKeptMs,
  maxMemory = 16 * 2 ** 20,
  retryMs = 500,
}: RunSettings): Run<Note> {
  const head = headOfRun()
  const recent = createRecent<Note>(maxMemory)
  let segments: Kept[] = []
  let current: Kept | undefined
  let unsynced = new Set<Kept>()
  let madeFile = false
  let end = 0
  let released = 0
  let waiting: Waiting<Note>[] = []
  let fault: string | undefined
  let failedAt = Number.NEGATIVE_INFINITY

  const setFault = (next: string | undefined) => {
    const isChanged = (next === undefined) !== (fault === undefined)
    fault = next
    if (isChanged) onFault?.(next)
  }
  const fail = (error: unknown) => {
    failedAt = performance.now()
    setFault(error instanceof Error ? error.message : String(error))
  }
  const openSegment = (): Kept => {
    const segment = { path: segmentPath(folder, { ordinal, run, start: end }), run, ordinal, start: end }
    const file = openSegmentFile(segment.path, JSON.stringify(head))
    end += file.size()
    const kept = { ...segment, end, file }
    segments.push(kept)
    madeFile = true
    return kept
  }
  /** Writes records to a file; false if that is impossible. */
  const store = (bytes: Buffer): boolean => {
    if (fault !== undefined && performance.now() - failedAt < retryMs) return false
    try {
      // Offsets of records that are only in memory are in no file, so a new file begins after them.
      if (
        current !== undefined &&
        (current.end !== end || current.file.isBroken() || current.file.size() >= segmentBytes)
      )
        current = undefined
      current ??= openSegment()
      current.file.write(bytes)
      current.end += bytes.length
      unsynced.add(current)
      setFault(undefined)
      return true
    } catch (error) {
      fail(error)
      return false
    }
  }
  const flush = () => {
    const batch = waiting
    waiting = []
    // A character needs at most three bytes of UTF-8.
    const fitting = batch.filter(({ text }) => text.length > 0 && text.length <= maxTextBytes / 3)
    const { bytes, sizes } = encodeFrames(fitting.map(({ text }) => text))
    const taken = end + bytes.length - released + formerBytes() <= maxBytes ? fitting : []
    const stored = taken.length > 0 && store(bytes)
    const places = new Map<Waiting<Note>, Place>()
    for (const [index, item] of taken.entries()) {
      const place = { end: end + (sizes[index] as number), stored }
      if (!recent.add({ text: item.text, note: item.note, ...place })) continue
      end = place.end
      places.set(item, place)
    }
    for (const item of batch) item.resolve(places.get(item))
  }
  const remove = (segment: Kept) => {
    segment.file.close()
    unsynced.delete(segment)
    void removeSegments([segment]).catch(() => {})
  }
  const sweep = () => {
    const now = performance.now()
    let bytes = 0
    const kept: Kept[] = []
    for (const segment of segments.toReversed()) {
      if (segment.releasedAt !== undefined) bytes += segment.end - segment.start
      const isOld = segment.releasedAt !== undefined && (now - segment.releasedAt >= keptMs || bytes > maxReleasedBytes)
      if (isOld && segment !== current) remove(segment)
      else kept.unshift(segment)
    }
    segments = kept
  }
  const sweeper = setInterval(sweep, Math.max(100, Math.min(15_000, keptMs))).unref()

  const sync = createGroupSync(async () => {
    const list = [...unsynced]
    unsynced = new Set()
    try {
      for (const { file } of list) await file.sync()
      if (madeFile) {
        madeFile = false
        await syncFolder(folder)
      }
      return true
    } catch (error) {
      // After a failed fsync the kernel may have dropped the pages (fsync(2)), so nothing more is written to this file.
      current = undefined
      madeFile = true
      fail(error)
      return false
    }
  })

  return {
    run,
    first: () => segments[0]?.start ?? released,
    now: () => presentOf(head),
    append: (text, note) =>
      new Promise((resolve) => {
        waiting.push({ text, note, resolve })
        // The records of this turn of the event loop are written together.
        if (waiting.length === 1) setImmediate(flush)
      }),
    sync,
    read: async (from, maxLength) => {
      if (!recent.has(from))
        for (const segment of segments) {
          if (segment.end <= from) continue
          const { entries } = await readPiece(segment, from, maxLength)
          if (entries.length > 0) return entries
        }
      return recent.read(from, maxLength)
    },
    release: (before) => {
      released = Math.max(released, before)
      recent.release(released)
      for (const segment of segments) if (segment.end <= released) segment.releasedAt ??= performance.now()
      sweep()
    },
    fault: () => fault,
    waitingBytes: () => end - released,
    close: async () => {
      clearInterval(sweeper)
      if (waiting.length > 0) flush()
      await sync()
      for (const { file } of segments) file.close()
    },
  }
}
