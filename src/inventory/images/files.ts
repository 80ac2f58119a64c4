// Records of stored files and their faults.

import { and, asc, eq, getTableColumns, gt, inArray, isNull, sql } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import type { Db } from '../../db/open.ts'
import { files } from '../../db/schema/images.ts'
import type { Tx } from '../../db/transaction.ts'
import { ConflictError } from '../../lib/errors.ts'
import { inTime } from '../../lib/time/in-time.ts'
import { createMicroBatch } from '../../lib/time/micro-batch.ts'
import type { DamageKind, FileFault, FileStatus } from '../../model/catalog.ts'
import { recordChanges, system } from '../changes/changes.ts'

/** A stored file as the inventory knows it; its bytes are in the store. */
export type StoredFile = {
  sha256: string
  name: string
  sizeBytes: number
  /** When it was uploaded last. */
  createdAt: Date
  /** When its bytes were last verified; null if never since the upload. */
  checkedAt: Date | null
  /** Why the file is not served, in words; null while its bytes are correct. */
  damage: string | null
  damageKind: DamageKind | null
}

export async function findFile(db: Db, sha256: string): Promise<StoredFile | undefined> {
  const rows = await db.select().from(files).where(eq(files.sha256, sha256))
  return rows[0]
}

export async function listFiles(db: Db, limit: number, after?: string): Promise<StoredFile[]> {
  const page = after === undefined ? undefined : gt(files.sha256, after)
  return db.select().from(files).where(page).orderBy(asc(files.sha256)).limit(limit)
}

/** The sizes of those files that are recorded. */
export async function sizesOf(db: Db, hashes: string[]): Promise<Map<string, number>> {
  const rows = await db
    .select({ sha256: files.sha256, sizeBytes: files.sizeBytes })
    .from(files)
    .where(inArray(files.sha256, anyOf(hashes)))
  return new Map(rows.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]))
}

/** The records of these files, by hash. */
export async function listFilesOf(db: Db, hashes: string[]): Promise<StoredFile[]> {
  return db
    .select()
    .from(files)
    .where(inArray(files.sha256, anyOf(hashes)))
}

/** For `in`, as one parameter: trees have thousands of files, and a statement has room for 65,535 parameters. */
export function anyOf(hashes: string[]) {
  return sql`(select value from jsonb_array_elements_text(${JSON.stringify([...new Set(hashes)])}::jsonb))`
}

/**
 * Records a file whose bytes are in the store. Recording it again keeps the first name and restarts the grace period
 * (file-garbage.ts).
 * @param sizeOf asks the store, because garbage collection may have deleted bytes that had no record
 * @throws ConflictError if the bytes were deleted
 */
export async function saveFile(
  db: Db,
  file: { sha256: string; name: string; sizeBytes: number },
  sizeOf?: (sha256: string) => Promise<number | undefined>,
): Promise<{ file: StoredFile; created: boolean }> {
  return db.transaction(async (tx) => {
    await lockFiles(tx)
    const { sha256, sizeBytes } = file
    if (sizeOf !== undefined && (await sizeOf(sha256)) !== sizeBytes)
      throw new ConflictError(`file ${sha256} was deleted during the upload. Next step: upload it again`)
    const again = { sizeBytes, ...graceAnew }
    const [saved] = await tx
      .insert(files)
      .values(file)
      .onConflictDoUpdate({ target: files.sha256, set: again })
      // The transaction that wrote a row over another is in its xmax (PostgreSQL, 5.6: System Columns).
      .returning({ ...getTableColumns(files), created: sql<boolean>`xmax = 0` })
    if (saved === undefined) throw new Error(`file ${sha256} was not recorded`)
    const { created, ...row } = saved
    return { file: row, created }
  })
}

/** Records that a file's bytes were stored again with the correct hash: a corrupted file is then repaired. */
export async function recordStored(db: Db, sha256: string): Promise<void> {
  await db.transaction(async (tx) => {
    const [before] = await tx
      .update(files)
      .set({ createdAt: sql`now()`, checkedAt: null })
      .where(eq(files.sha256, sha256))
      .returning()
    if (before !== undefined) await setDamage(tx, before, null)
  })
}

/**
 * Finds a file for reuse and restarts its grace period, so that its bytes still exist when the thing that needs them
 * is saved.
 * Undefined if it has no record or is corrupted: then its bytes must be stored again.
 */
export async function reuseFile(db: Db, sha256: string): Promise<StoredFile | undefined> {
  const rows = await db
    .update(files)
    .set(graceAnew)
    .where(and(eq(files.sha256, sha256), isNull(files.damage)))
    .returning()
  return rows[0]
}

// Keeps the time of the last verification.
const graceAnew = { createdAt: sql`now()`, checkedAt: sql`coalesce(${files.checkedAt}, ${files.createdAt})` }

/** Keeps all files until the transaction ends. Waits for a running garbage collection. */
export async function lockFiles(tx: Tx): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock_shared(hashtextextended('stored files', 0))`)
}

/** Lets no other transaction begin to use a file until this one ends. */
export async function lockFilesExclusively(tx: Tx): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('stored files', 0))`)
}

/**
 * Records that a file is corrupted: from now on every script that needs it is a refusal. False if the fault was recorded already, or the file has no record.
 */
export async function recordDamage(db: Db, sha256: string, fault: FileFault): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [before] = await tx.select().from(files).where(eq(files.sha256, sha256)).for('update')
    if (before === undefined) return false
    return setDamage(tx, before, fault)
  })
}

/**
 * Records the result of a verification: null if the bytes are correct, else the fault. False if nothing changed, for
 * example because the file was uploaded again meanwhile.
 */
export async function recordCheck(
  db: Db,
  { sha256, createdAt }: StoredFile,
  fault: FileFault | null,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [before] = await tx.select().from(files).where(eq(files.sha256, sha256)).for('update')
    if (before === undefined) return false
    if (fault !== null && before.createdAt.getTime() !== createdAt.getTime()) return false
    await tx.update(files).set({ checkedAt: sql`now()` }).where(eq(files.sha256, sha256))
    return setDamage(tx, before, fault)
  })
}

// A statement of its own, and only when it changes: with the column in it, it counts the catalog's revision up.
async function setDamage(tx: Tx, before: StoredFile, fault: FileFault | null): Promise<boolean> {
  if (fault === null ? before.damage === null : before.damage?.startsWith(`${fault.damage} (seen `)) return false
  const now = new Date().toISOString()
  const damage = fault === null ? null : `${fault.damage} (seen ${now.slice(0, 10)} ${now.slice(11, 16)}Z)`
  await tx
    .update(files)
    .set({ damage, damageKind: fault?.kind ?? null })
    .where(eq(files.sha256, before.sha256))
  const { name, sizeBytes } = before
  const fields = { name, sizeBytes }
  await recordChanges(tx, [
    {
      actor: system,
      type: fault === null ? 'file.mended' : 'file.damaged',
      subject: before.sha256,
      before: { ...fields, damage: before.damage },
      after: { ...fields, damage },
    },
  ])
  return true
}

/** Finds the status of a file; undefined if it has no record. Never throws. */
export type FindFileStatus = (sha256: string) => Promise<FileStatus | undefined>

const maxKept = 8192

/**
 * The look-up for boots. It caches answers for half a second, so that damage ends downloads within a second, and combines
 * simultaneous questions in one query. While the database is unreachable or slow, the last answer is used for `awayKeptMs`, so that
 * boots continue and few of them wait.
 */
export function createFindFileStatus(
  db: Db,
  {
    keptMs = 500,
    awayKeptMs = Math.max(keptMs, 3000),
    patienceMs = 300,
    isAway = () => false,
    damagedFile = () => undefined,
  }: {
    keptMs?: number
    awayKeptMs?: number
    patienceMs?: number
    /** The database is away: it is not asked. */
    isAway?: () => boolean
    /** A damaged file of the catalog in memory. */
    damagedFile?: (sha256: string) => FileStatus | undefined
  } = {},
): FindFileStatus {
  const find = createMicroBatch((asked: string[]) => findMany(db, asked), { maxSize: 1000, maxConcurrent: 2 })
  const kept = new LRUCache<string, { file: FileStatus | undefined }>({
    max: maxKept,
    ttl: keptMs,
    noDeleteOnStaleGet: true,
    fetchMethod: async (sha256, last, { options }) => {
      const found = await inTime(find(sha256), patienceMs)
      if (found === undefined) options.ttl = awayKeptMs
      return found ?? last ?? { file: undefined }
    },
  })
  return async (sha256) =>
    isAway() ? (damagedFile(sha256) ?? kept.get(sha256, { allowStale: true })?.file) : (await kept.fetch(sha256))?.file
}

/** Undefined for each when the database does not answer. */
async function findMany(db: Db, asked: string[]): Promise<({ file: FileStatus | undefined } | undefined)[]> {
  try {
    const rows = await db
      .select({ sha256: files.sha256, sizeBytes: files.sizeBytes, damage: files.damage, damageKind: files.damageKind })
      .from(files)
      .where(inArray(files.sha256, anyOf(asked)))
    const found = new Map(rows.map(({ sha256, ...file }) => [sha256, file]))
    return asked.map((sha256) => ({ file: found.get(sha256) }))
  } catch {
    return asked.map(() => undefined)
  }
}
