import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { Tx } from '../../db/transaction.ts'
import { anyOf } from './files.ts'

/** A recorded file that nothing names. */
export type Unnamed = { sha256: string; name: string; sizeBytes: number }

// Wherever a hash stands in a variant, whatever its kind: `**` looks at every level (PostgreSQL, 9.16.2). Open boots go on
// loading what they were told to, be the image deleted meanwhile; imports that are not ended have a stored file to read.
const namers = sql`
  select sha256 #>> '{}' as sha256, 'image ' || image || ' version ' || version as who
    from image_versions, jsonb_path_query(variants, '$.**.sha256') as sha256
  union select sha256 #>> '{}', 'import ' || id from imports, jsonb_path_query(plan, '$.**.sha256') as sha256
    where ended_at is null
  union select sha256 #>> '{}', 'boot ' || id from boots, jsonb_path_query(decision, '$.**.sha256') as sha256
    where outcome is null`

const isUnnamed = sql`not exists (select 1 from (${namers}) as namers where namers.sha256 = files.sha256)`
const isOlder = (hours: number) => sql`created_at < now() - ${hours} * interval '1 hour'`

type Row = { sha256: string; name: string; size_bytes: string | number }

/** Files that nothing names and that were uploaded so many hours ago or more, by hash, those after `after`. */
export async function listUnnamed(db: Db, hours: number, limit: number, after = ''): Promise<Unnamed[]> {
  const rows = await db.execute(sql`
    select sha256, name, size_bytes from files
    where sha256 > ${after} and ${isOlder(hours)} and ${isUnnamed}
    order by sha256 limit ${limit}`)
  return rowsOf<Row>(rows).map(fromRow)
}

/**
 * Deletes the records of those that still nothing names, and gives them; to be called with the files held alone (holdFilesAlone),
 * in the transaction in which their bytes go.
 */
export async function deleteUnnamed(tx: Tx, hashes: string[], hours: number): Promise<Unnamed[]> {
  const rows = await tx.execute(sql`
    delete from files where sha256 in ${anyOf(hashes)} and ${isOlder(hours)} and ${isUnnamed}
    returning sha256, name, size_bytes`)
  return rowsOf<Row>(rows).map(fromRow)
}

/** What names a file, in words; some of it, if it is much. */
export async function listNamers(db: Db, sha256: string): Promise<string[]> {
  const rows = await db.execute(sql`
    select who from (${namers}) as namers where sha256 = ${sha256} order by who limit 6`)
  return rowsOf<{ who: string }>(rows).map(({ who }) => who)
}

/** Those of the hashes that no record has. */
export async function listUnrecorded(db: Db, hashes: string[]): Promise<string[]> {
  const rows = await db.execute(sql`
    select value as sha256 from ${anyOf(hashes)} as asked
    where not exists (select 1 from files where files.sha256 = asked.value)`)
  return rowsOf<{ sha256: string }>(rows).map((row) => row.sha256)
}

function fromRow({ sha256, name, size_bytes }: Row): Unnamed {
  return { sha256, name, sizeBytes: Number(size_bytes) }
}
