// Garbage collection: files that nothing uses, and bytes without a record.
import type { Db } from '../db/open.ts'
import type { Tx } from '../db/transaction.ts'
import { type Actor, recordChanges } from '../inventory/changes/changes.ts'
import { deleteUnnamed, listNamers, listUnnamed, listUnrecorded } from '../inventory/images/file-garbage.ts'
import { findFile, listFiles, lockFilesExclusively, recordDamage } from '../inventory/images/files.ts'
import { ConflictError, requireFound } from '../lib/errors.ts'
import { sizeFault } from '../model/catalog.ts'
import type { MaintenanceDeps } from './check.ts'
import type { FileDeps } from './keep.ts'

/**
 * A result of garbage collection. `unnamed`: a recorded file that nothing uses. `unrecorded`: bytes without a record. `damaged`: a
 * record whose bytes are missing or have another size; such a record is not removed.
 */
export type GarbageLine =
  | { kind: 'unnamed'; sha256: string; name: string; sizeBytes: number; removed: boolean }
  | { kind: 'unrecorded'; sha256: string; sizeBytes: number; removed: boolean }
  | { kind: 'damaged'; sha256: string; name: string; sizeBytes: number; damage: string }
  | { kind: 'end'; dryRun: boolean; files: number; bytes: number; damaged: number }

export type ClearOptions = {
  dryRun: boolean
  /** Newer files are kept: the image that will use them may not be saved yet. */
  olderThanHours: number
}

/** Files per transaction. Until it ends, no image can be saved, and the embedded database is blocked. */
const batchFiles = 16
const pageFiles = 500

/** Removes files that nothing uses, and reports damaged files. A dry run removes nothing. */
export async function* clearFiles(
  deps: MaintenanceDeps,
  options: ClearOptions,
  by: Actor,
): AsyncGenerator<GarbageLine> {
  const end = { kind: 'end' as const, dryRun: options.dryRun, files: 0, bytes: 0, damaged: 0 }
  for await (const line of findGarbage(deps, options, by)) {
    if (line.kind === 'damaged') end.damaged++
    else if (line.kind !== 'end') {
      end.files++
      end.bytes += line.sizeBytes
    }
    yield line
  }
  if (!options.dryRun && end.files > 0)
    deps.log.info({ files: end.files, bytes: end.bytes, by }, 'removed unused files')
  yield end
}

async function* findGarbage(deps: MaintenanceDeps, options: ClearOptions, by: Actor): AsyncGenerator<GarbageLine> {
  yield* clearUnnamed(deps, options, by)
  const stored = new Map<string, number>()
  yield* clearUnrecorded(deps, options, stored)
  yield* findDamaged(deps, options, stored)
}

async function* clearUnnamed(
  { db, store }: MaintenanceDeps,
  { dryRun, olderThanHours }: ClearOptions,
  by: Actor,
): AsyncGenerator<GarbageLine> {
  for (let after: string | undefined; ; ) {
    const found = await listUnnamed(db, olderThanHours, dryRun ? pageFiles : batchFiles, after)
    after = found.at(-1)?.sha256
    if (after === undefined) return
    const cleared = dryRun
      ? found
      : await inExclusiveLock(db, async (tx) => {
          const hashes = found.map(({ sha256 }) => sha256)
          const gone = await deleteUnnamed(tx, hashes, olderThanHours)
          const changes = gone.map(({ sha256, ...before }) => ({
            actor: by,
            type: 'file.deleted' as const,
            subject: sha256,
            before,
          }))
          await recordChanges(tx, changes)
          // Remove the bytes before the transaction ends. A caller that stores the same file waits for its end, then checks the bytes.
          for (const { sha256 } of gone) await store.remove(sha256)
          return gone
        })
    for (const file of cleared) yield { kind: 'unnamed', ...file, removed: !dryRun }
  }
}

/** Also collects the sizes of all stored files in `stored`. */
async function* clearUnrecorded(
  { db, store }: MaintenanceDeps,
  { dryRun, olderThanHours }: ClearOptions,
  stored: Map<string, number>,
): AsyncGenerator<GarbageLine> {
  const before = Date.now() - olderThanHours * 3_600_000
  let old: { sha256: string; sizeBytes: number }[] = []
  const clear = async (): Promise<GarbageLine[]> => {
    const sizes = new Map(old.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]))
    old = []
    const hashes = await listUnrecorded(db, [...sizes.keys()])
    const cleared: string[] = dryRun ? hashes : []
    for (let at = 0; !dryRun && at < hashes.length; at += batchFiles) {
      await inExclusiveLock(db, async (tx) => {
        const still = await listUnrecorded(tx, hashes.slice(at, at + batchFiles))
        for (const sha256 of still) await store.remove(sha256)
        cleared.push(...still)
      })
    }
    return cleared.map((sha256) => ({
      kind: 'unrecorded',
      sha256,
      sizeBytes: sizes.get(sha256) ?? 0,
      removed: !dryRun,
    }))
  }
  for await (const { sha256, sizeBytes, storedAt } of store.list()) {
    stored.set(sha256, sizeBytes)
    if (storedAt.getTime() < before) old.push({ sha256, sizeBytes })
    if (old.length >= pageFiles) yield* await clear()
  }
  if (old.length > 0) yield* await clear()
}

async function* findDamaged(
  { db, store }: MaintenanceDeps,
  { dryRun }: ClearOptions,
  stored: Map<string, number>,
): AsyncGenerator<GarbageLine> {
  for (let after: string | undefined; ; ) {
    const page = await listFiles(db, pageFiles, after)
    for (const { sha256, name, sizeBytes } of page) {
      if (stored.get(sha256) === sizeBytes) continue
      // The file may have been stored after the list was read.
      const fault = sizeFault(sizeBytes, await store.size(sha256))
      if (fault === undefined) continue
      if (!dryRun) await recordDamage(db, sha256, fault)
      yield { kind: 'damaged', sha256, name, sizeBytes, damage: fault.damage }
    }
    after = page.at(-1)?.sha256
    if (page.length < pageFiles) return
  }
}

/** Deletes a file and its bytes. @throws NotFoundError; ConflictError that lists what uses it */
export async function deleteFile({ db, store }: FileDeps, sha256: string, by: Actor): Promise<void> {
  await inExclusiveLock(db, async (tx) => {
    const file = await findFile(tx, sha256)
    requireFound(file, `file ${sha256}`)
    const namers = await listNamers(tx, sha256)
    if (namers.length > 0) {
      const users = `${namers.slice(0, 5).join(', ')}${namers.length > 5 ? ' and more' : ''}`
      throw new ConflictError(`file ${file.name} (${sha256.slice(0, 12)}…) is used by ${users}`)
    }
    const [gone] = await deleteUnnamed(tx, [sha256], -1)
    if (gone === undefined) throw new Error(`file ${sha256} was not deleted`)
    const { name, sizeBytes } = file
    await recordChanges(tx, [{ actor: by, type: 'file.deleted', subject: sha256, before: { name, sizeBytes } }])
    await store.remove(sha256)
  })
}

/** Runs in a transaction during which no image or upload can start to use a file. */
function inExclusiveLock<T>(db: Db, act: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await lockFilesExclusively(tx)
    return act(tx)
  })
}
