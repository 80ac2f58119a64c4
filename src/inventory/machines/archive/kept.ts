// The rows that depend on a machine, kept as JSON while it is archived, and written again when it is restored.

import { type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Tx } from '../../../db/transaction.ts'

type Rows = Record<string, unknown>[]

/** Tables that are kept in another form, or not at all: claims are about requests of that time. */
const others = ['machine_macs', 'identity_claims']

/**
 * The rows of all tables that a machine's deletion would delete too, and its secrets, as SQL for a JSON object by table. The
 * tables are read from the database, so that a new table is kept without a change here.
 * @param machineId as SQL
 */
export async function keptRows(db: Db, machineId: SQL): Promise<SQL> {
  const found = await db.execute(sql`
    select c.conrelid::regclass::text as table, a.attname as column from pg_constraint as c
    join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'f' and c.confdeltype = 'c' and c.confrelid = 'machines'::regclass order by 1, 2`)
  const tables = rowsOf<{ table: string; column: string }>(found).filter(({ table }) => !others.includes(table))
  const parts = tables.map(
    ({ table, column }) => sql`${table}::text, (
      select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ${sql.identifier(table)} as t where t.${sql.identifier(column)} = ${machineId})`,
  )
  const secrets = sql`'secrets', (
    select coalesce(jsonb_agg(to_jsonb(t)), '[]') from secrets as t where t.owner_kind = 'machine' and t.owner = ${machineId}::text)`
  return sql`jsonb_build_object(${sql.join([...parts, secrets], sql`, `)})`
}

/**
 * Writes rows into a table. Columns that no longer exist are left out, and new columns get their defaults. Rows that exist are
 * left alone.
 */
export async function writeKept(tx: Tx, table: string, rows: Rows): Promise<void> {
  const [first] = rows
  if (first === undefined) return
  const found = await tx.execute(sql`
    select column_name as name from information_schema.columns
    where table_schema = current_schema() and table_name = ${table} and is_generated = 'NEVER'`)
  const columns = rowsOf<{ name: string }>(found)
    .map(({ name }) => name)
    .filter((name) => name in first)
  if (columns.length === 0) return
  const list = sql.join(
    columns.map((name) => sql.identifier(name)),
    sql`, `,
  )
  await tx.execute(sql`
    insert into ${sql.identifier(table)} (${list})
    select ${list} from jsonb_populate_recordset(null::${sql.identifier(table)}, ${JSON.stringify(rows)}::jsonb)
    on conflict do nothing`)
}
