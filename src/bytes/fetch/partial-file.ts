// A partial file: it is hashed while it grows, and survives a crash.
import { createHash, type Hash } from 'node:crypto'
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { type Disk, explainFullDisk, requireRoom } from './disk-space.ts'

/** The hashes that lists of checksums have. */
export type HashName = 'sha256' | 'sha512'
/** The checksums of a file that are available. */
export type Checksums = { [Name in HashName]?: string | undefined }

/** A file that is still incomplete. Bytes are appended, and survive a crash. */
export type PartialFile = {
  path: string
  sizeBytes: () => number
  /** The notes stored beside the file; undefined if they are missing or unreadable. */
  about: () => unknown
  /** Stores notes beside the file, after flushing its current bytes to disk. */
  remember: (about: unknown) => Promise<void>
  /** @throws DiskFullError */
  append: (chunk: Uint8Array) => Promise<void>
  /** Keeps the first `sizeBytes` bytes only. */
  truncate: (sizeBytes: number) => Promise<void>
  /** The hash of the current bytes, in hexadecimal. Bytes that are not hashed yet are read from the file. */
  digest: (name: HashName, signal?: AbortSignal) => Promise<string>
  /** @throws DiskFullError if the disk has no room for this many more bytes */
  requireRoom: (bytes: number) => Promise<void>
  /** Flushes the file to disk (fsync(2)), as a store requires before it takes the file over. */
  sync: () => Promise<void>
  /** Reads bytes from a position; returns 0 only at the end of the file. */
  read: (buffer: Uint8Array, position: number) => Promise<number>
  close: () => Promise<void>
}

/** A hash of the first bytes of a file. */
type Hashed = { hash: Hash; bytes: number }
export type Hashes = Map<HashName, Hashed>

const checkRoomEveryBytes = 16 * 2 ** 20
const chunkBytes = 2 ** 20

/**
 * Opens a partial file, or creates it. Only one caller at a time may have a path open.
 * @param disk the disk of the file
 * @param aboutPath the file for the notes of `remember`; undefined keeps them in memory only
 * @param hashes the hashes to compute while bytes are appended; pass the same map again to avoid reading the file again
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
  resetHashesBeyond(hashes, state.sizeBytes)

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
        for (const hashed of hashes.values()) {
          if (hashed.bytes !== state.sizeBytes) continue
          hashed.hash.update(written)
          hashed.bytes += written.length
        }
        state.sizeBytes += bytesWritten
        done += bytesWritten
      }
    },
    truncate: async (sizeBytes) => {
      await handle.truncate(sizeBytes)
      state.sizeBytes = sizeBytes
      resetHashesBeyond(hashes, sizeBytes)
    },
    digest: async (name, signal) => {
      const hashed = hashes.get(name) ?? newHashed(name)
      hashes.set(name, hashed)
      const buffer = hashed.bytes < state.sizeBytes ? Buffer.allocUnsafe(chunkBytes) : Buffer.alloc(0)
      while (hashed.bytes < state.sizeBytes) {
        signal?.throwIfAborted()
        const bytesRead = await read(buffer, hashed.bytes)
        if (bytesRead === 0) throw new Error(`${path} was truncated while it was read`)
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

/** Hashes of an empty file. */
export function newHashes(names: HashName[]): Hashes {
  return new Map(names.map((name) => [name, newHashed(name)]))
}

function newHashed(name: HashName): Hashed {
  return { hash: createHash(name), bytes: 0 }
}

function resetHashesBeyond(hashes: Hashes, sizeBytes: number): void {
  for (const [name, { bytes }] of hashes) if (bytes > sizeBytes) hashes.set(name, newHashed(name))
}

/** The notes in a file; undefined if they are missing or unreadable. */
export async function readAbout(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}

// Atomic: after a power failure the old or the new text is there, never a part.
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
