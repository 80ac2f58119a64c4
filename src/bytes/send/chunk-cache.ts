// A cache of file chunks in memory, shared by all readers of a file.
import type { OpenFile } from '../store/file-store.ts'

/** A chunk of a file in memory, shared by all its readers. Each reader calls `release` once, and does not read it afterwards. */
export type Chunk = { bytes: Buffer; release: () => void }

/** Chunks of files in memory, up to a limit. */
export type ChunkCache = {
  /** The size of a chunk. */
  chunkBytes: number
  /**
   * The chunk of a file with this index, read once for all concurrent readers. Undefined if other readers hold all the
   * memory; the caller then reads into its own buffer.
   * @throws Error if the file cannot be read, or ends early
   */
  take: (file: OpenFile, key: string, index: number) => Promise<Chunk | undefined>
}

type Entry = { buffer: Buffer; filled: Promise<number>; holders: number; dropped: boolean }

/**
 * A cache of at most `maxBytes`. Its buffers are reused, because fresh memory of this size costs as much as the reading (page
 * faults). Evicts the least recently used chunk that has no readers.
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

  function release(entry: Entry): void {
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
          release: () => {
            if (held) release(taken)
            held = false
          },
        }
      } catch (error) {
        // The next reader reads the file again.
        if (entries.get(name) === taken) entries.delete(name)
        taken.dropped = true
        release(taken)
        throw error
      }
    },
  }
}

async function fill(file: OpenFile, buffer: Buffer, position: number, sizeBytes: number): Promise<number> {
  for (let done = 0; done < sizeBytes; ) {
    const bytesRead = await file.read(buffer.subarray(done, sizeBytes), position + done)
    if (bytesRead === 0) throw new Error(`the file ends after ${position + done} bytes instead of ${file.sizeBytes}`)
    done += bytesRead
  }
  return sizeBytes
}
