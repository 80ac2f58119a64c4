// Which stored files nothing names, for garbage collection.

import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { Tx } from '../../db/transaction.ts'
import { anyOf } from './files.ts'

/** A recorded file that nothing names. */
export type Unnamed = { sha256: string; name: string; sizeBytes: number }

// Every hash in a variant, whatever its kind: `**` looks at every level (PostgreSQL, 9.16.2). Open boots still load the files of
// their decision, even if the image was deleted meanwhile. Open imports read stored files.
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

/** Unnamed files that were uploaded at least `hours` ago, by hash, after the hash `after`. */
export async function listUnnamed(db: Db, hours: number, limit: number, after = ''): Promise<Unnamed[]> {
  const rows = await db.execute(sql`
    select sha256, name, size_bytes from files
    where sha256 > ${after} and ${isOlder(hours)} and ${isUnnamed}
    order by sha256 limit ${limit}`)
  return rowsOf<Row>(rows).map(fromRow)
}

/**
 * Deletes and returns the records of files that are still unnamed. Call it with the files locked (lockFilesExclusively), in the
 * transaction that deletes their bytes.
 */
export async function deleteUnnamed(tx: Tx, hashes: string[], hours: number): Promise<Unnamed[]> {
  const rows = await tx.execute(sql`
    delete from files where sha256 in ${anyOf(hashes)} and ${isOlder(hours)} and ${isUnnamed}
    returning sha256, name, size_bytes`)
  return rowsOf<Row>(rows).map(fromRow)
}

/** The things that name a file, in words; at most six. */
export async function listNamers(db: Db, sha256: string): Promise<string[]> {
  const rows = await db.execute(sql`
    select who from (${namers}) as namers where sha256 = ${sha256} order by who limit 6`)
  return rowsOf<{ who: string }>(rows).map(({ who }) => who)
}

/** The hashes without a record. */
export async function listUnrecorded(db: Db, hashes: string[]): Promise<string[]> {
  const rows = await db.execute(sql`
    select value as sha256 from ${anyOf(hashes)} as asked
    where not exists (select 1 from files where files.sha256 = asked.value)`)
  return rowsOf<{ sha256: string }>(rows).map((row) => row.sha256)
}

function fromRow({ sha256, name, size_bytes }: Row): Unnamed {
  return { sha256, name, sizeBytes: Number(size_bytes) }
}
