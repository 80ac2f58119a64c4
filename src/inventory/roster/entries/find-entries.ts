// Reads entries of the roster from the database: those of requests, those that changed, and all in pages. Used by roster.ts
// and load.ts.
import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Facts } from '../../../model/facts.ts'
import { identityKeys } from '../../../model/identity/identity.ts'
import { foldedText, isSerial } from '../../machines/identity/same-key.ts'
import { type Entry, type EntryRow, entryColumns, entryOf } from './entry.ts'
import { maxOfEach } from './keys.ts'

/** The entries of the machines that requests may come from, for each request by rank and then by id, and the catalog's revision. */
export type FoundEntries = { revision: number; now: number; entries: Entry[] }

// An index of each key has this order, so that a value which thousands of machines share costs no more.
const first = sql`order by discovered, id limit ${maxOfEach}`

/** Finds the machines of several requests in one statement. */
export async function findEntries(db: Db, asked: Facts[]): Promise<FoundEntries[]> {
  const keys = asked.map((facts, n) => ({ n, ...identityKeys(facts) }))
  const rows = rowsOf<{ n: number; revision: string; now: number } & (EntryRow | { machine: null })>(
    await db.execute(sql`
    select asked.n, (select revision from catalog) as revision, (extract(epoch from now()) * 1000)::float8 as now, ${entryColumns}
    from jsonb_to_recordset(${JSON.stringify(keys)}::jsonb) as asked(n int, mac text, uuids jsonb, serial text, product text)
    left join lateral (
      select machines.* from (
          select id, min(rank) as rank from (
            select machine_id as id, 1 as rank from machine_macs where mac = asked.mac
            union all (select id, 2 from machines where uuid = asked.uuids ->> 0 ${first})
            union all (select id, 2 from machines where uuid = asked.uuids ->> 1 ${first})
            union all (select id, 2 from machines where ${isSerial(sql`asked.serial`, sql`asked.product`)} ${first})
            union all (select id, 3 from machines where facts ->> 'uuid' = asked.uuids ->> 0 ${first})
            union all (select id, 3 from machines where facts ->> 'uuid' = asked.uuids ->> 1 ${first})
            union all (select id, 3 from machines where ${foldedText(sql`facts ->> 'serial'`)} = ${foldedText(sql`asked.serial`)}
              and ${foldedText(sql`facts ->> 'product'`)} = ${foldedText(sql`asked.product`)} ${first})
          ) as found group by id
        ) as keys join machines on machines.id = keys.id
      order by keys.rank, machines.id) as m on true`),
  )
  const found = asked.map((): FoundEntries => ({ revision: 0, now: 0, entries: [] }))
  for (const row of rows) {
    const result = found[row.n] as FoundEntries
    result.revision = Number(row.revision)
    result.now = row.now
    if (row.machine !== null) result.entries.push(entryOf(row))
  }
  return found
}

/** The entries of these machines. Deleted machines are missing. */
export async function listEntries(db: Db, ids: string[]): Promise<Entry[]> {
  if (ids.length === 0) return []
  const rows = await db.execute(sql`
    select ${entryColumns} from machines as m
    where m.id = any(array(select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)))`)
  return rowsOf<EntryRow>(rows).map(entryOf)
}

/** A page of all entries in the order of their ids, those after `after`. */
export async function pageOfEntries(db: Db, after: string, limit: number): Promise<Entry[]> {
  const rows = await db.execute(sql`
    select ${entryColumns} from (select * from machines where id > ${after}::uuid order by id limit ${limit}::int) as m order by m.id`)
  return rowsOf<EntryRow>(rows).map(entryOf)
}

/** Whether the database has more machines than `max`. */
export async function hasMoreThan(db: Db, max: number): Promise<boolean> {
  const rows = await db.execute(
    sql`select count(*)::int as count from (select 1 from machines limit ${max + 1}::int) as found`,
  )
  return (rowsOf<{ count: number }>(rows)[0]?.count ?? 0) > max
}
