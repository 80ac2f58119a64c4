// The folder of partial files, each open for one writer at a time.
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { requireRoom } from './disk-space.ts'
import { type Hashes, type HashName, newHashes, openPartialFile, type PartialFile, readAbout } from './partial-file.ts'

export type OpenOptions = {
  /** Aborts the wait for the file. */
  signal?: AbortSignal
  /** The hashes to compute while bytes are appended. */
  hashes?: HashName[]
  /** The expected size, for making room. */
  totalBytes?: number | undefined
  /**
   * Asks the current holder to close the file soon. It is called when another caller that also passes `leave` opens
   * the file.
   */
  leave?: () => void
}

/** Partial files by key, stored in a folder, so that they survive a crash. */
export type PartialFiles = {
  /** Opens the file of a key, or creates it. If it is open, callers queue until it is closed. @throws DiskFullError */
  open: (key: string, options?: OpenOptions) => Promise<PartialFile>
  /** Whether the file is open. */
  isOpen: (key: string) => boolean
  /** The current size of a file, also while it is open. */
  sizeBytes: (key: string) => Promise<number>
  /** The notes of a file, and its current size; undefined if it has neither. */
  find: (key: string) => Promise<FoundPartial | undefined>
  /** The files whose keys begin with a prefix, with their notes, the one that grew last at the end. */
  list: (prefix: string) => Promise<FoundPartial[]>
  /** Removes a file and its notes. A caller that still has the file open must not need it any longer. */
  remove: (key: string) => Promise<void>
  /** Removes the files whose keys begin with a prefix, except those that are open. */
  removeAll: (prefix: string) => Promise<void>
  /** Removes files that have not grown for this many days. */
  prune: (days: number) => Promise<void>
  /** @throws DiskFullError if the disk has no room for this many more bytes */
  requireRoom: (bytes: number) => Promise<void>
}

/** A partial file as it lies in the folder. `about` is undefined if its notes are missing or unreadable. */
export type FoundPartial = { key: string; sizeBytes: number; about: unknown }

type Holder = { leave: (() => void) | undefined; gone: Promise<void> }
type Found = { key: string; sizeBytes: number; changedAt: number }

const defaultHashes: HashName[] = ['sha256']

const keyPattern = /^[a-z0-9][a-z0-9-]{0,200}$/

/** Opens the folder, which no other process may use. Beyond `maxBytes` or `maxFiles`, the oldest files that are not open are removed. */
export async function openPartialFiles(
  folder: string,
  { maxBytes, maxFiles = 1000 }: { maxBytes: number; maxFiles?: number },
): Promise<PartialFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const disk = { folder, name: 'the data folder' }
  const holders = new Map<string, Holder>()
  // The hashes so far, so that each part of a large upload continues them instead of reading the file again.
  const hashesByKey = new Map<string, Hashes>()

  const pathOf = (key: string) => {
    if (!keyPattern.test(key)) throw new Error(`${key}: not a key of a partial file`)
    return join(folder, key)
  }
  const remove = async (key: string) => {
    hashesByKey.delete(key)
    for (const path of [pathOf(key), `${pathOf(key)}.json`, `${pathOf(key)}.json.new`]) await rm(path, { force: true })
  }
  const list = async (): Promise<Found[]> => {
    const found: Found[] = []
    const keys = new Set((await readdir(folder)).map((name) => name.replace(/\.json(\.new)?$/, '')))
    for (const key of [...keys].filter((name) => keyPattern.test(name))) {
      const about = await stat(join(folder, key)).catch(() => undefined)
      // Notes may outlive their file: they tell what became of it.
      const notes = about ?? (await stat(join(folder, `${key}.json`)).catch(() => undefined))
      found.push({ key, sizeBytes: about?.size ?? 0, changedAt: notes?.mtimeMs ?? 0 })
    }
    return found.sort((a, b) => a.changedAt - b.changedAt)
  }
  const makeRoom = async (key: string, totalBytes: number) => {
    const others = (await list()).filter((file) => file.key !== key)
    let bytes = others.reduce((sum, { sizeBytes }) => sum + sizeBytes, totalBytes)
    let count = others.length + 1
    for (const other of others) {
      if (bytes <= maxBytes && count <= maxFiles) break
      if (holders.has(other.key)) continue
      await remove(other.key)
      bytes -= other.sizeBytes
      count -= 1
    }
  }

  return {
    open: async (key, { signal, hashes = defaultHashes, totalBytes = 0, leave } = {}) => {
      const path = pathOf(key)
      for (let holder = holders.get(key); holder !== undefined; holder = holders.get(key)) {
        if (leave !== undefined) holder.leave?.()
        await unlessAborted(holder.gone, signal)
      }
      let resolveGone = () => {}
      const gone = new Promise<void>((resolve) => {
        resolveGone = resolve
      })
      holders.set(key, { leave, gone })
      const release = () => {
        holders.delete(key)
        resolveGone()
      }
      try {
        await makeRoom(key, totalBytes)
        const hashesSoFar = hashesByKey.get(key) ?? newHashes(hashes)
        hashesByKey.set(key, hashesSoFar)
        const file = await openPartialFile(path, disk, `${path}.json`, hashesSoFar)
        let isOpen = true
        return {
          ...file,
          close: async () => {
            if (!isOpen) return
            isOpen = false
            await file.close().finally(release)
          },
        }
      } catch (error) {
        release()
        throw error
      }
    },
    isOpen: (key) => holders.has(key),
    sizeBytes: async (key) => (await stat(pathOf(key)).catch(() => undefined))?.size ?? 0,
    find: async (key) => {
      const about = await readAbout(`${pathOf(key)}.json`)
      const file = await stat(pathOf(key)).catch(() => undefined)
      return about === undefined && file === undefined ? undefined : { key, sizeBytes: file?.size ?? 0, about }
    },
    list: async (prefix) => {
      const files = (await list()).filter(({ key }) => key.startsWith(prefix))
      return Promise.all(
        files.map(async ({ key, sizeBytes }) => ({ key, sizeBytes, about: await readAbout(`${pathOf(key)}.json`) })),
      )
    },
    remove,
    removeAll: async (prefix) => {
      for (const { key } of await list()) if (key.startsWith(prefix) && !holders.has(key)) await remove(key)
    },
    prune: async (days) => {
      const before = Date.now() - days * 24 * 3_600_000
      for (const { key, changedAt } of await list()) if (changedAt < before && !holders.has(key)) await remove(key)
    },
    requireRoom: (bytes) => requireRoom(disk, bytes),
  }
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return promise
  signal.throwIfAborted()
  let abort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort)
  })
  await Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort))
}
