// The folder of files that are still arriving, each open for one writer at a time.
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { requireRoom } from './disk-space.ts'
import { type Hashes, type HashName, newHashes, openPartialFile, type PartialFile } from './partial-file.ts'

export type OpenOptions = {
  /** Waiting for the file ends with it. */
  signal?: AbortSignal
  /** What is hashed while it streams. */
  hashes?: HashName[]
  /** How large it will be, for the room that it needs. */
  totalBytes?: number | undefined
  /**
   * Called when another caller that also passes `leave` opens the file: close it soon. A caller that passes `leave` calls that of
   * the current holder.
   */
  leave?: () => void
}

/** Files that are still on their way, each under a key: in a folder, so that what is here survives a kill. */
export type PartialFiles = {
  /** Opens the file of a key, or a new one. Callers wait in line for it; closing it lets in the next. @throws DiskFullError */
  open: (key: string, options?: OpenOptions) => Promise<PartialFile>
  /** Whether somebody holds the file now. */
  isOpen: (key: string) => boolean
  /** How much of a file is here, while somebody writes it too. */
  sizeBytes: (key: string) => Promise<number>
  /** Removes a file and what was remembered of it. Whoever holds it must have let go, or must not need it any longer. */
  remove: (key: string) => Promise<void>
  /** Removes the files whose keys begin with a prefix, those that are held excepted. */
  removeAll: (prefix: string) => Promise<void>
  /** Removes files that have not grown for this many days. */
  prune: (days: number) => Promise<void>
  /** @throws DiskFullError when the disk has no room for this many more bytes */
  requireRoom: (bytes: number) => Promise<void>
}

type Holder = { leave: (() => void) | undefined; gone: Promise<void> }
type Found = { key: string; sizeBytes: number; changedAt: number }

const usualHashes: HashName[] = ['sha256']

const keyPattern = /^[a-z0-9][a-z0-9-]{0,200}$/

/** Opens the folder. No other process may use it. Beyond `maxBytes` or `maxFiles`, the oldest files that are not open are removed. */
export async function openPartialFiles(
  folder: string,
  { maxBytes, maxFiles = 1000 }: { maxBytes: number; maxFiles?: number },
): Promise<PartialFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const disk = { folder, name: 'the data folder' }
  const holders = new Map<string, Holder>()
  // The hashes of what arrived, so that the parts of a large upload need not be read again for each other.
  const known = new Map<string, Hashes>()

  const pathOf = (key: string) => {
    if (!keyPattern.test(key)) throw new Error(`${key}: not a key of a partial file`)
    return join(folder, key)
  }
  const remove = async (key: string) => {
    known.delete(key)
    for (const path of [pathOf(key), `${pathOf(key)}.json`, `${pathOf(key)}.json.new`]) await rm(path, { force: true })
  }
  const list = async (): Promise<Found[]> => {
    const found: Found[] = []
    const keys = new Set((await readdir(folder)).map((name) => name.replace(/\.json(\.new)?$/, '')))
    for (const key of [...keys].filter((name) => keyPattern.test(name))) {
      const about = await stat(join(folder, key)).catch(() => undefined)
      // What was remembered of a file that is gone has no age.
      found.push({ key, sizeBytes: about?.size ?? 0, changedAt: about?.mtimeMs ?? 0 })
    }
    return found.sort((a, b) => a.changedAt - b.changedAt)
  }
  const makeRoom = async (key: string, totalBytes: number) => {
    const others = (await list()).filter((one) => one.key !== key)
    let bytes = others.reduce((sum, one) => sum + one.sizeBytes, totalBytes)
    let count = others.length + 1
    for (const one of others) {
      if (bytes <= maxBytes && count <= maxFiles) break
      if (holders.has(one.key)) continue
      await remove(one.key)
      bytes -= one.sizeBytes
      count -= 1
    }
  }

  return {
    open: async (key, { signal, hashes = usualHashes, totalBytes = 0, leave } = {}) => {
      const path = pathOf(key)
      for (let holder = holders.get(key); holder !== undefined; holder = holders.get(key)) {
        if (leave !== undefined) holder.leave?.()
        await unlessAborted(holder.gone, signal)
      }
      let letGo = () => {}
      const gone = new Promise<void>((resolve) => {
        letGo = resolve
      })
      holders.set(key, { leave, gone })
      const release = () => {
        holders.delete(key)
        letGo()
      }
      try {
        await makeRoom(key, totalBytes)
        const before = known.get(key) ?? newHashes(hashes)
        known.set(key, before)
        const file = await openPartialFile(path, disk, `${path}.json`, before)
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
