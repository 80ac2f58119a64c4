// The machines with what their next boot depends on, page by page, for counts.

import { type SQL, sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { Assignment } from '../../model/assignment.ts'
import type { Machine } from '../../model/machine.ts'

/** The part of an active deployment that decides what its machine boots. */
export type Installs = { image: string; version: number | null; assignment: Assignment; attempts: number }

/** A machine, with its active deployment. */
export type MachineToCount = Machine & { installs?: Installs }

type Row = Pick<Machine, 'id' | 'denied' | 'labels' | 'facts' | 'macs'> & {
  [Field in 'hostname' | 'uuid' | 'serial' | 'product' | 'asset' | 'assignment']: Machine[Field] | null
} & { installs: Installs | null }

const pageSize = 500
const firstId = '00000000-0000-0000-0000-000000000000'

/** All machines in the order of their ids. The next page is read while the caller works on one. */
export async function* countedPages(db: Db): AsyncGenerator<MachineToCount[]> {
  const read = (after: string) => {
    const page = listCounted(db, sql`m.id > ${after}::uuid order by m.id limit ${pageSize}`)
    // If the caller stops early, nobody waits for this page.
    page.catch(() => {})
    return page
  }
  for (let next = read(firstId); ; ) {
    const page = await next
    const last = page.at(-1)
    const isLast = last === undefined || page.length < pageSize
    if (!isLast) next = read(last.id)
    if (page.length > 0) yield page
    if (isLast) return
  }
}

/** The existing machines with these ids. */
export async function findCounted(db: Db, ids: string[]): Promise<MachineToCount[]> {
  const found: MachineToCount[] = []
  for (let at = 0; at < ids.length; at += pageSize) {
    const list = JSON.stringify(ids.slice(at, at + pageSize))
    found.push(
      ...(await listCounted(db, sql`m.id in (select value::uuid from jsonb_array_elements_text(${list}::jsonb))`)),
    )
  }
  return found
}

async function listCounted(db: Db, which: SQL): Promise<MachineToCount[]> {
  const found = await db.execute(sql`
    select m.id::text as id, m.denied, m.hostname, m.uuid, m.serial, m.product, m.asset, m.labels, m.assignment, m.facts,
      array(select mac from machine_macs where machine_id = m.id) as macs,
      (select jsonb_build_object('image', d.image, 'version', d.version, 'assignment', d.assignment, 'attempts', d.attempts)
        from deployments as d where d.machine_id = m.id and ${isActiveSql(sql`d.state`)}) as installs
    from machines as m where ${which}`)
  return rowsOf<Row>(found).map((row) => {
    const given = Object.entries(row).filter(([, value]) => value !== null)
    return Object.fromEntries(given) as unknown as MachineToCount
  })
}

/** The active deployments, by machine. */
export async function listInstalls(db: Db): Promise<Map<string, Installs>> {
  const found = await db.execute(sql`
    select machine_id::text as id, image, version, assignment, attempts from deployments
    where ${isActiveSql(sql`state`)}`)
  return new Map(rowsOf<Installs & { id: string }>(found).map(({ id, ...installs }) => [id, installs]))
}
