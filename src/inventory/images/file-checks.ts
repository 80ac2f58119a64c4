// Which stored files to verify.

import { inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { files } from '../../db/schema/images.ts'
import { NotFoundError, requireFound } from '../../lib/errors.ts'
import { filesOf, type Variant } from '../../model/image.ts'
import { anyOf, findFile, type StoredFile } from './files.ts'

/** If the server that claimed a file ends, the file is due again after this time. */
const claimHours = 2

/**
 * Claims the file that was verified or uploaded longest ago, if that was more than `everyDays` ago. Corrupted files come first, once
 * an hour, because a disk may have been away. Two servers never get the same file. Undefined if no file is due.
 */
export async function claimFileToCheck(db: Db, everyDays: number): Promise<StoredFile | undefined> {
  const due = sql`coalesce(checked_at, created_at)`
  const rows = rowsOf<{ sha256: string }>(
    await db.execute(sql`
    update files set checked_at = case when damage is null
      then now() - ${everyDays} * interval '1 day' + ${claimHours} * interval '1 hour' else now() end
    where sha256 = (
      select sha256 from files
      where ${due} < now() - ${everyDays} * interval '1 day'
        or damage is not null and (checked_at is null or checked_at < now() - interval '1 hour')
      order by damage is null, ${due} limit 1 for update skip locked)
    returning sha256`),
  )
  const sha256 = rows[0]?.sha256
  return sha256 === undefined ? undefined : findFile(db, sha256)
}

/** The recorded files with these hashes, in the order of the hashes. @throws NotFoundError that names the first that is not recorded */
export async function requireFiles(db: Db, hashes: string[]): Promise<StoredFile[]> {
  const rows = await db
    .select()
    .from(files)
    .where(inArray(files.sha256, anyOf(hashes)))
  const found = new Map(rows.map((row) => [row.sha256, row]))
  return [...new Set(hashes)].map((sha256) => {
    const file = found.get(sha256)
    requireFound(file, `file ${sha256}`)
    return file
  })
}

/** The files that any version of these images names. @throws NotFoundError that names the first image that does not exist */
export async function filesOfImages(db: Db, names: string[]): Promise<StoredFile[]> {
  const rows = rowsOf<{ name: string; variants: Variant[] | null }>(
    await db.execute(sql`
    select n.name, v.variants from jsonb_array_elements_text(${JSON.stringify(names)}::jsonb) as n(name)
    left join image_versions v on v.image = n.name`),
  )
  const missing = rows.find(({ variants }) => variants === null)
  if (missing !== undefined) throw new NotFoundError(`there is no image ${missing.name}`)
  const hashes = rows.flatMap(({ variants }) => variants ?? []).flatMap((variant) => filesOf(variant))
  return requireFiles(
    db,
    hashes.map(({ sha256 }) => sha256),
  )
}
