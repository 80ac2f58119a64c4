import { asc, eq, gt } from 'drizzle-orm'
import type { Db } from '../db/open.ts'
import { files } from '../db/schema.ts'

/** A stored file as the inventory knows it; its bytes are in the store. */
export type StoredFile = { sha256: string; name: string; sizeBytes: number; createdAt: Date }

/** What a file's hash looks like, in URLs and in the store. */
export const sha256Pattern = /^[0-9a-f]{64}$/

export async function findFile(db: Db, sha256: string): Promise<StoredFile | undefined> {
  const rows = await db.select().from(files).where(eq(files.sha256, sha256))
  return rows[0]
}

export async function listFiles(db: Db, limit: number, after?: string): Promise<StoredFile[]> {
  const page = after === undefined ? undefined : gt(files.sha256, after)
  return db.select().from(files).where(page).orderBy(asc(files.sha256)).limit(limit)
}

/** Records a file whose bytes are in the store. Recording it again keeps the first name. */
export async function saveFile(
  db: Db,
  file: { sha256: string; name: string; sizeBytes: number },
): Promise<{ file: StoredFile; created: boolean }> {
  const inserted = await db.insert(files).values(file).onConflictDoNothing().returning()
  const saved = inserted[0] ?? (await findFile(db, file.sha256))
  if (saved === undefined) throw new Error(`file ${file.sha256} vanished while it was recorded`)
  return { file: saved, created: inserted.length > 0 }
}
