// Archived machines: found, listed, deleted after their time.

import { getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { machines } from '../../../db/schema/machines.ts'
import type { MachineSource } from '../../../model/identity/field-owners.ts'
import type { Machine } from '../../../model/machine.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { auditViewOf, presentOf } from '../machines.ts'
import { likeText } from '../search/selector.ts'
import type { ArchivedMachine } from '../sync/row.ts'

type Row = Omit<ArchivedMachine, 'machine' | 'archivedAt'> & {
  archivedAt: string
  sources: MachineSource[]
  machine: Record<string, unknown>
  unknown: boolean
}

const namesNothing = (kind: 'image' | 'menu' | 'answerFile', table: SQL) => sql`
  (machine -> 'assignment' ? ${kind}::text and not exists (select 1 from ${table} as t where t.name = machine -> 'assignment' ->> ${kind}::text))`

const pinsNothing = sql`(machine -> 'assignment' ? 'version' and not exists (select 1 from image_versions as v
  where v.image = machine -> 'assignment' ->> 'image' and v.version = (machine -> 'assignment' ->> 'version')::int))`

/**
 * The archived machines that fit a condition, the newest first. An assignment that names an image, version, menu or answer file which was
 * deleted meanwhile is left out.
 */
export async function findArchived(db: Db, condition: SQL, limit: number): Promise<ArchivedMachine[]> {
  const found = await db.execute(sql`
    select id::text, name, macs, sources, machine, archived_at as "archivedAt", archived_by as "archivedBy", reason,
      (${namesNothing('image', sql`images`)} or ${namesNothing('menu', sql`menus`)} or ${namesNothing('answerFile', sql`answer_files`)} or ${pinsNothing}) is true as unknown
    from archived_machines where ${condition} order by archived_at desc, id desc limit ${limit}::int`)
  return rowsOf<Row>(found).map(({ machine, sources, unknown, archivedAt, ...row }) => ({
    ...row,
    archivedAt: new Date(archivedAt),
    machine: machineOf(unknown ? { ...machine, assignment: null } : machine, sources),
  }))
}

export async function findArchivedById(db: Db, id: string): Promise<ArchivedMachine | undefined> {
  const [found] = await findArchived(db, sql`id = ${id}::uuid`, 1)
  return found
}

/** A page of archived machines. @param after the id that the previous page ended with */
export async function listArchived(
  db: Db,
  { q, after }: { q?: string | undefined; after?: string | undefined },
  limit: number,
): Promise<ArchivedMachine[]> {
  const text = `%${likeText(q?.toLowerCase() ?? '')}%`
  const condition = sql`
    (${q ?? null}::text is null or lower(name) like ${text} or macs::text like ${text}
      or exists (select 1 from jsonb_array_elements(sources) as s where s ->> 'externalId' = ${q ?? ''}))
    and (${after ?? null}::uuid is null
      or (archived_at, id) < (select last.archived_at, last.id from archived_machines as last where last.id = ${after ?? null}::uuid))`
  return findArchived(db, condition, limit)
}

/** The MACs and UUIDs of archived machines. */
export async function listArchivedKeys(db: Db): Promise<{ key: string; id: string; name: string }[]> {
  const found = await db.execute(sql`
    select mac as key, id::text, name from archived_machines, jsonb_array_elements_text(macs) as m(mac)
    union all select machine ->> 'uuid', id::text, name from archived_machines where machine ->> 'uuid' is not null
    order by key, id`)
  return rowsOf(found)
}

/** A machine from its row as JSON, without MACs. */
function machineOf(row: Record<string, unknown>, sources: MachineSource[]): Machine {
  const values = Object.entries(getTableColumns(machines)).map(([field, { name, dataType }]) => {
    const value = row[name]
    return [field, dataType === 'date' && typeof value === 'string' ? new Date(value) : value] as const
  })
  return { ...presentOf(Object.fromEntries(values)), macs: [], ...(sources.length > 0 && { sources }) } as never
}

/** Deletes machines that were archived a number of days ago, at most `limit`. Their boots stay, without a machine. */
export async function deleteOldArchived(db: Db, days: number, limit: number, by: Actor): Promise<number> {
  return db.transaction(async (tx) => {
    const old = sql`archived_at < now() - ${days}::float8 * interval '1 day'`
    const gone = await findArchived(tx, old, limit)
    if (gone.length === 0) return 0
    const ids = JSON.stringify(gone.map(({ id }) => id))
    await tx.execute(
      sql`delete from archived_machines where id in (select value::uuid from jsonb_array_elements_text(${ids}::jsonb))`,
    )
    await recordChanges(
      tx,
      gone.map(({ id, machine, macs }) => ({
        actor: by,
        type: 'machine.deleted',
        subject: id,
        before: auditViewOf({ ...machine, macs }),
      })),
    )
    return gone.length
  })
}
