// Finds what the rows of an owner refer to.

import { sql } from 'drizzle-orm'
import { isActiveSql } from '../../../db/deployment-conditions.ts'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { machinePath } from '../../../model/identity/field-owners.ts'
import type { Machine } from '../../../model/machine.ts'
import { findArchived } from '../archive/archived.ts'
import { findMachines } from '../machines.ts'
import { lookUp } from '../rows/look-up.ts'
import { releasedMachine } from './owned-fields.ts'
import type { ArchivedMachine, SyncExisting, SyncRow } from './row.ts'

const machinesAtOnce = 5000

/** Finds the machines, archived machines and names that the rows of an owner refer to, and all machines of the owner. */
export async function findForSync(db: Db, rows: SyncRow[], owner: string, maxMachines: number): Promise<SyncExisting> {
  const owned = await findOwned(db, owner)
  const archived = (await findArchivedFor(db, rows, owner, maxMachines)).map((machine) => releasedFor(machine, owner))
  const asked = [
    ...rows.map(({ id, change }) => ({ change, ...(id !== undefined && { key: { id } }) })),
    ...archived.map(({ macs }) => ({ change: { macs } })),
  ]
  const busy = rowsOf<{ id: string }>(
    await db.execute(sql`select machine_id::text as id from deployments where ${isActiveSql(sql`state`)}`),
  )
  return {
    ...(await lookUp(db, asked, owned)),
    owned,
    archived,
    busy: new Set(busy.map(({ id }) => id)),
  }
}

async function findOwned(db: Db, owner: string): Promise<Machine[]> {
  const found = await db.execute(
    sql`select machine_id::text as id from machine_sources where owner = ${owner} order by machine_id`,
  )
  const ids = rowsOf<{ id: string }>(found).map(({ id }) => id)
  const machines: Machine[] = []
  for (let at = 0; at < ids.length; at += machinesAtOnce)
    machines.push(...(await findMachines(db, ids.slice(at, at + machinesAtOnce))))
  return machines
}

/** An archived machine comes back without the fields of another owner, whose synchronization archived it. */
function releasedFor(archived: ArchivedMachine, owner: string): ArchivedMachine {
  const { machine, macs } = archived
  const last = machine.owners?.[machinePath]
  if (typeof last !== 'string' || last === owner) return archived
  const released = releasedMachine({ ...machine, macs }, last, owner)
  return { ...archived, macs: released.macs, machine: { ...released, macs: [] } }
}

async function findArchivedFor(db: Db, rows: SyncRow[], owner: string, max: number): Promise<ArchivedMachine[]> {
  const list = (values: (string | null | undefined)[]) =>
    sql`(select jsonb_array_elements_text(${JSON.stringify(values.filter((value) => value))}::jsonb))`
  const externalIds = list(rows.map(({ externalId }) => externalId))
  const macs = list(rows.flatMap(({ change }) => change.macs ?? []))
  const condition = sql`(
    exists (select 1 from jsonb_array_elements(sources) as s where s ->> 'owner' = ${owner} and s ->> 'externalId' in ${externalIds})
    or exists (select 1 from jsonb_array_elements_text(macs) as m(mac) where mac in ${macs})
    or machine ->> 'uuid' in ${list(rows.map(({ change }) => change.uuid))}
    or machine ->> 'serial' in ${list(rows.map(({ change }) => change.serial))})`
  return findArchived(db, condition, max)
}
