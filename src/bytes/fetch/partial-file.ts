// A file that is still arriving: it grows, is hashed while it grows, and survives a kill.
import { createHash, type Hash } from 'node:crypto'
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { type Disk, explainFullDisk, requireRoom } from './disk-space.ts'

/** The hashes that lists of checksums have. */
export type HashName = 'sha256' | 'sha512'
/** The checksums of a file, those that are known. */
export type Checksums = { [Name in HashName]?: string | undefined }

/** A file that is still on its way: it grows at its end, and what is there survives a kill. */
export type PartialFile = {
  path: string
  sizeBytes: () => number
  /** What was remembered beside it; undefined when nothing was, or it cannot be read. */
  about: () => unknown
  /** Remembers something beside the file, once all bytes that are there now are on the disk itself. */
  remember: (about: unknown) => Promise<void>
  /** @throws DiskFullError */
  append: (chunk: Uint8Array) => Promise<void>
  /** Keeps only the beginning. */
  truncate: (sizeBytes: number) => Promise<void>
  /** The hash of what is there, in hexadecimal. What did not pass through `append` since the file was opened is read again. */
  digest: (name: HashName, signal?: AbortSignal) => Promise<string>
  /** @throws DiskFullError when the disk has no room for this many more bytes */
  requireRoom: (bytes: number) => Promise<void>
  /** Puts on the disk what was written (fsync(2)): needed before the store takes the file over. */
  sync: () => Promise<void>
  /** The bytes from a position on; 0 only at the end of the file. */
  read: (buffer: Uint8Array, position: number) => Promise<number>
  close: () => Promise<void>
}

/** A hash of the first bytes of a file. */
type Hashed = { hash: Hash; bytes: number }
export type Hashes = Map<HashName, Hashed>

const checkRoomEveryBytes = 16 * 2 ** 20
const chunkBytes = 2 ** 20

/**
 * Opens a file of this machine that is still on its way, or makes it. One at a time may have it open.
 * @param disk the disk that it is on
 * @param aboutPath where `remember` keeps what it is given; undefined: only in memory
 * @param hashes what is hashed while it streams; the same map again, when the file is opened again, spares reading it
 */
export async function openPartialFile(
  path: string,
  disk: Disk,
  aboutPath: string | undefined,
  hashes: Hashes = newHashes(['sha256']),
): Promise<PartialFile> {
  const handle = await open(path, 'a+', 0o600)
  const about = aboutPath === undefined ? undefined : await readAbout(aboutPath)
  const state = { sizeBytes: (await handle.stat()).size, about, uncheckedBytes: 0 }
  forgetBeyond(hashes, state.sizeBytes)

  const read = async (buffer: Uint8Array, position: number) =>
    (await handle.read(buffer, 0, buffer.length, position)).bytesRead

  return {
    path,
    read,
    sizeBytes: () => state.sizeBytes,
    about: () => state.about,
    remember: async (value) => {
      state.about = value
      if (aboutPath === undefined) return
      await handle.datasync()
      await writeAbout(aboutPath, JSON.stringify(value)).catch((error) => explainFullDisk(error, disk, 4096))
    },
    append: async (chunk) => {
      if (state.uncheckedBytes <= 0) {
        await requireRoom(disk, chunk.length)
        state.uncheckedBytes = checkRoomEveryBytes
      }
      state.uncheckedBytes -= chunk.length
      for (let done = 0; done < chunk.length; ) {
        // A write may be short (a full disk, a signal): write(2).
        const { bytesWritten } = await handle
          .write(chunk, done, chunk.length - done)
          .catch((error) => explainFullDisk(error, disk, chunk.length - done))
        const written = chunk.subarray(done, done + bytesWritten)
        for (const one of hashes.values()) {
          if (one.bytes !== state.sizeBytes) continue
          one.hash.update(written)
          one.bytes += written.length
        }
        state.sizeBytes += bytesWritten
        done += bytesWritten
      }
    },
    truncate: async (sizeBytes) => {
      await handle.truncate(sizeBytes)
      state.sizeBytes = sizeBytes
      forgetBeyond(hashes, sizeBytes)
    },
    digest: async (name, signal) => {
      const hashed = hashes.get(name) ?? newHashed(name)
      hashes.set(name, hashed)
      const buffer = hashed.bytes < state.sizeBytes ? Buffer.allocUnsafe(chunkBytes) : Buffer.alloc(0)
      while (hashed.bytes < state.sizeBytes) {
        signal?.throwIfAborted()
        const bytesRead = await read(buffer, hashed.bytes)
        if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`)
        hashed.hash.update(buffer.subarray(0, bytesRead))
        hashed.bytes += bytesRead
      }
      return hashed.hash.copy().digest('hex')
    },
    requireRoom: (bytes) => requireRoom(disk, bytes),
    sync: () => handle.sync(),
    close: () => handle.close(),
  }
}

/** Hashes of nothing yet. */
export function newHashes(names: HashName[]): Hashes {
  return new Map(names.map((name) => [name, newHashed(name)]))
}

function newHashed(name: HashName): Hashed {
  return { hash: createHash(name), bytes: 0 }
}

function forgetBeyond(hashes: Hashes, sizeBytes: number): void {
  for (const [name, { bytes }] of hashes) if (bytes > sizeBytes) hashes.set(name, newHashed(name))
}

async function readAbout(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

// Whole or not at all, whenever the power goes.
async function writeAbout(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`
  try {
    await writeFile(temporary, text, { mode: 0o600, flush: true })
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
