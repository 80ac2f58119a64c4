// Stores files: the bytes in the store, and their records in the inventory.
import type { PartialFile } from '../bytes/fetch/partial-file.ts'
import type { FileStore } from '../bytes/store/file-store.ts'
import type { Db } from '../db/open.ts'
import { findFile, recordStored, reuseFile, type StoredFile, saveFile } from '../inventory/images/files.ts'

// A stored file has bytes in the store and a record in the inventory. Only this file creates both, and only garbage
// collection (clear.ts) removes both. Uploads call `keepFile`. An import calls the three steps separately, because it records
// its files in the transaction that saves its image.

/** The store of the bytes, and the database of the records. */
export type FileDeps = { db: Db; store: FileStore }

/** A new file, identified by its hash. */
export type NewFile = { sha256: string; name: string; sizeBytes: number }

/** Writes the complete bytes to the store, flushed to disk, under their verified hash. */
type WriteBytes = (store: FileStore) => Promise<{ sizeBytes: number }>

/**
 * Stores and records a file, unless it is stored already. The order of the steps makes it safe:
 *
 * 1. Reuse: restart the grace period of the record, and only then ask the store for the size. In the other order, garbage
 *    collection could remove the bytes between the two.
 * 2. Bytes before record. If the process is killed in between, garbage collection removes the bytes without a record. The other
 *    order would leave a record without bytes: a damaged file.
 * 3. Record under the lock that garbage collection holds exclusively, after another check of the size. Garbage collection removes
 *    bytes without a record, and may have removed these bytes since step 2.
 *
 * @param write called only if the bytes are needed; `written` tells whether it was
 * @throws ConflictError if garbage collection has removed the bytes; any error of `write`
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

/** Step 1: finds the record of a stored, intact file, and restarts its grace period. */
export async function reuseStored({ db, store }: FileDeps, sha256: string): Promise<StoredFile | undefined> {
  const file = await reuseFile(db, sha256)
  return file !== undefined && (await store.size(sha256)) === file.sizeBytes ? file : undefined
}

/** Step 2: stores the bytes. If the file was recorded as damaged, its record becomes intact. */
export async function storeBytes({ db, store }: FileDeps, sha256: string, write: WriteBytes): Promise<number> {
  const { sizeBytes } = await write(store)
  await recordStored(db, sha256)
  return sizeBytes
}

/** Step 3: records a file whose bytes are stored. `db` may be a transaction. @throws ConflictError if the bytes were removed */
export async function recordFile(
  { db, store }: FileDeps,
  { sha256, name, sizeBytes }: NewFile,
): Promise<{ file: StoredFile; created: boolean }> {
  return saveFile(db, { sha256, name, sizeBytes }, store.size)
}

/** Moves the bytes of a complete partial file into the store. */
export function fromPartial(sha256: string, partial: PartialFile): WriteBytes {
  return async (store) => {
    // The store renames the file, so its bytes must be on the disk before.
    await partial.sync()
    await store.putFile(sha256, partial.path)
    return { sizeBytes: partial.sizeBytes() }
  }
}

/** Finds the record of a stored, intact file, without a change to its grace period. */
export async function findStored({ db, store }: FileDeps, sha256: string): Promise<StoredFile | undefined> {
  const file = await findFile(db, sha256)
  if (file === undefined || file.damage !== null) return undefined
  return (await store.size(sha256)) === file.sizeBytes ? file : undefined
}
