// Pieces of files in memory, shared by all readers of the same file.
import type { OpenFile } from '../store/file-store.ts'

/** A piece of a file in memory, shared by all who send it. Whoever took it gives it back, once, and then reads it no more. */
export type Chunk = { bytes: Buffer; giveBack: () => void }

/** Pieces of files in memory, within a bound. */
export type ChunkCache = {
  /** The size of a piece. */
  chunkBytes: number
  /**
   * The piece of a file with this number, read at most once for all who want it at the same time. Undefined when all the
   * memory is held by others: the caller then reads what it needs into a buffer of its own.
   * @throws Error when the file cannot be read, or ends early
   */
  take: (file: OpenFile, key: string, index: number) => Promise<Chunk | undefined>
}

type Entry = { buffer: Buffer; filled: Promise<number>; holders: number; dropped: boolean }

/**
 * A cache of at most `maxBytes`. Its buffers are made once and filled again: fresh memory of this size costs as much as
 * the reading (page faults). Evicts the least recently used chunk that has no readers.
 */
export function createChunkCache(maxBytes: number, chunkBytes: number): ChunkCache {
  const maxBuffers = Math.floor(maxBytes / chunkBytes)
  // The least recently used comes first.
  const entries = new Map<string, Entry>()
  const free: Buffer[] = []
  let buffers = 0

  function findBuffer(): Buffer | undefined {
    const spare = free.pop()
    if (spare !== undefined) return spare
    if (buffers < maxBuffers) {
      buffers++
      return Buffer.allocUnsafeSlow(chunkBytes)
    }
    for (const [key, entry] of entries) {
      if (entry.holders > 0) continue
      entries.delete(key)
      return entry.buffer
    }
    return undefined
  }

  function giveBack(entry: Entry): void {
    entry.holders--
    if (entry.dropped && entry.holders === 0) free.push(entry.buffer)
  }

  return {
    chunkBytes,
    take: async (file, key, index) => {
      const name = `${key}/${index}`
      let entry = entries.get(name)
      if (entry === undefined) {
        const buffer = findBuffer()
        if (buffer === undefined) return undefined
        const position = index * chunkBytes
        const filled = fill(file, buffer, position, Math.min(chunkBytes, file.sizeBytes - position))
        entry = { buffer, filled, holders: 0, dropped: false }
      }
      entries.delete(name)
      entries.set(name, entry)
      entry.holders++
      const taken = entry
      try {
        const sizeBytes = await taken.filled
        let held = true
        return {
          bytes: taken.buffer.subarray(0, sizeBytes),
          giveBack: () => {
            if (held) giveBack(taken)
            held = false
          },
        }
      } catch (error) {
        // The next who asks reads again.
        if (entries.get(name) === taken) entries.delete(name)
        taken.dropped = true
        giveBack(taken)
        throw error
      }
    },
  }
}

async function fill(file: OpenFile, buffer: Buffer, position: number, sizeBytes: number): Promise<number> {
  for (let done = 0; done < sizeBytes; ) {
    const got = await file.read(buffer.subarray(done, sizeBytes), position + done)
    if (got === 0) throw new Error(`the file ends after ${position + done} bytes instead of ${file.sizeBytes}`)
    done += got
  }
  return sizeBytes
}
