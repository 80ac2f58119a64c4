import type { PartialFile } from '../bytes/fetch/partial-file.ts'
import type { FileStore } from '../bytes/store/file-store.ts'
import type { Db } from '../db/open.ts'
import { findFile, recordStored, reuseFile, type StoredFile, saveFile } from '../inventory/images/files.ts'

// A stored file is bytes in the store and a record in the inventory. Only this file puts the two together, and garbage
// collection (clear.ts) takes them apart. Uploads call `keepFile`. An import calls the three steps on their own, because it
// records its files in the transaction that saves its image.

/** Where the bytes are, and where their records are. */
export type FileDeps = { db: Db; store: FileStore }

/** A file as it comes in, known by its hash. */
export type NewFile = { sha256: string; name: string; sizeBytes: number }

/** Puts bytes into the store, whole and on the disk, under the hash that they really have. */
type WriteBytes = (store: FileStore) => Promise<{ sizeBytes: number }>

/**
 * Stores and records a file, unless it is there already. The order of the steps is what makes it safe:
 *
 * 1. Reuse: begin the grace period of the record anew, and only then ask the store for the size. Asked the other way round,
 *    garbage collection could remove the bytes between the two.
 * 2. Bytes before record. If the process is killed in between, bytes without a record are left, and garbage collection
 *    removes them. The other order would leave a record without bytes: a damaged file.
 * 3. Record under the lock that garbage collection holds exclusively, after asking for the size once more: garbage collection
 *    takes bytes without a record away, and may have done so since step 2.
 *
 * @param write called only when the bytes are needed: `written` says whether
 * @throws ConflictError when garbage collection was faster; whatever `write` throws
 */
export async function keepFile(
  deps: FileDeps,
  { sha256, name }: Omit<NewFile, 'sizeBytes'>,
  write: WriteBytes,
): Promise<{ file: StoredFile; created: boolean; written: boolean }> {
  const stored = await reuseStored(deps, sha256)
  if (stored !== undefined) return { file: stored, created: false, written: false }
  const sizeBytes = await storeBytes(deps, sha256, write)
  return { ...(await recordFile(deps, { sha256, name, sizeBytes })), written: true }
}

/** Step 1: the record of a file that is stored and undamaged. It stays for a whole grace period from now on. */
export async function reuseStored({ db, store }: FileDeps, sha256: string): Promise<StoredFile | undefined> {
  const file = await reuseFile(db, sha256)
  return file !== undefined && (await store.size(sha256)) === file.sizeBytes ? file : undefined
}

/** Step 2: stores the bytes. If the record says that they are damaged, clears that. */
export async function storeBytes({ db, store }: FileDeps, sha256: string, write: WriteBytes): Promise<number> {
  const { sizeBytes } = await write(store)
  await recordStored(db, sha256)
  return sizeBytes
}

/** Step 3: records a file whose bytes are stored. `db` may be a transaction. @throws ConflictError when they are gone again */
export async function recordFile(
  { db, store }: FileDeps,
  { sha256, name, sizeBytes }: NewFile,
): Promise<{ file: StoredFile; created: boolean }> {
  return saveFile(db, { sha256, name, sizeBytes }, store.size)
}

/** Writes the bytes of a whole partial file, which is gone from its folder afterwards. */
export function fromPartial(sha256: string, partial: PartialFile): WriteBytes {
  return async (store) => {
    // The store renames the file: what the rename makes visible must be on the disk before it.
    await partial.sync()
    await store.putFile(sha256, partial.path)
    return { sizeBytes: partial.sizeBytes() }
  }
}

/** The record of a file that is stored and undamaged, without any effect on its grace period. */
export async function findStored({ db, store }: FileDeps, sha256: string): Promise<StoredFile | undefined> {
  const file = await findFile(db, sha256)
  if (file === undefined || file.damage !== null) return undefined
  return (await store.size(sha256)) === file.sizeBytes ? file : undefined
}
