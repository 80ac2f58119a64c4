// Archives machines, and restores them. An archived machine is not among the machines: it decides nothing.

import { sql } from 'drizzle-orm'
import { isActiveSql } from '../../../db/deployment-conditions.ts'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { hasSqlState } from '../../../db/sql-state.ts'
import type { Tx } from '../../../db/transaction.ts'
import { ConflictError, NotFoundError, requireFound } from '../../../lib/errors.ts'
import { type FieldOwner, machinePath } from '../../../model/identity/field-owners.ts'
import { handleOf, type Machine, type MachineKey, nameOf } from '../../../model/machine.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { auditViewOf, findMachine, lockMachine } from '../machines.ts'
import { takeOverDiscovered } from '../macs.ts'
import { nameOfId, noMachine } from '../names.ts'
import type { ArchivedMachine } from '../sync/row.ts'
import { findArchived } from './archived.ts'
import { keptRows, writeKept } from './kept.ts'
import { idsOf, removeMachines } from './remove.ts'

const maxBoots = 1000
const rowsAtOnce = 1000

/**
 * Archives machines in a transaction. Their rows, and those that depend on them, are kept until they are restored or deleted.
 * @param owner of the entry of each machine from now on; undefined if it stays
 * @returns false if a machine was changed or deleted meanwhile: then the transaction must not be committed
 */
export async function archiveMachines(
  tx: Tx,
  machines: Machine[],
  { by, reason, owner }: { by: Actor; reason: string; owner?: FieldOwner },
): Promise<boolean> {
  const kept = await keptRows(tx, sql`m.id`)
  const owners = owner === undefined ? {} : { [machinePath]: owner }
  for (let at = 0; at < machines.length; at += rowsAtOnce) {
    const batch = machines.slice(at, at + rowsAtOnce)
    const ids = idsOf(batch)
    const locked = await tx.execute(sql`select id, revision from machines where id in ${ids} order by id for update`)
    const revisions = new Map(
      rowsOf<{ id: string; revision: number }>(locked).map(({ id, revision }) => [id, revision]),
    )
    if (batch.some(({ id, revision }) => revisions.get(id) !== revision)) return false
    await tx.execute(sql`
      insert into archived_machines (id, name, macs, sources, machine, kept, boots, archived_by, reason)
      select m.id, ${nameOfId(sql`m.id`)},
        (select coalesce(jsonb_agg(mac order by mac), '[]') from machine_macs where machine_id = m.id),
        (select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('owner', owner, 'externalId', external_id)) order by owner), '[]')
          from machine_sources where machine_id = m.id),
        to_jsonb(m) || jsonb_build_object('owners', m.owners || ${JSON.stringify(owners)}::jsonb), ${kept},
        (select coalesce(jsonb_agg(id), '[]') from (
          select id from boots where machine_id = m.id order by seq desc limit ${maxBoots}::int) as last), ${by}, ${reason}
      from machines as m where m.id in ${ids}`)
    await removeMachines(tx, batch, 'machine.archived', by)
  }
  return true
}

/** Archives a machine. @throws NotFoundError; ConflictError if it was only discovered, or has an active deployment */
export async function archiveMachine(db: Db, key: MachineKey, by: Actor): Promise<void> {
  await db.transaction(async (tx) => {
    const machine = await lockMachine(tx, key)
    if (machine === undefined) throw noMachine(key)
    if (machine.discovered)
      throw new ConflictError(
        `machine ${nameOf(machine)} is only discovered. Next step: bootwright machine delete ${handleOf(machine)}`,
      )
    const active = await tx.execute(
      sql`select 1 from deployments where machine_id = ${machine.id} and ${isActiveSql(sql`state`)}`,
    )
    if (rowsOf(active).length > 0)
      throw new ConflictError(
        `machine ${nameOf(machine)} has an active deployment. Next step: bootwright deployment list --machine ${handleOf(machine)}`,
      )
    const owner = { by, at: new Date().toISOString() }
    await archiveMachines(tx, [machine], { by, reason: 'archived by a person', owner })
  })
}

/**
 * Writes the rows of archived machines again, without their MACs.
 * @returns false if one of them was restored or deleted meanwhile: then the transaction must not be committed
 */
export async function writeArchived(tx: Tx, archived: ArchivedMachine[], by: Actor): Promise<boolean> {
  for (let at = 0; at < archived.length; at += rowsAtOnce) {
    const batch = archived.slice(at, at + rowsAtOnce)
    const ids = JSON.stringify(batch.map(({ id }) => id))
    const found = await tx.execute(sql`
      delete from archived_machines where id in (select value::uuid from jsonb_array_elements_text(${ids}::jsonb))
      returning id::text, machine, kept, boots`)
    const rows = rowsOf<{
      id: string
      machine: Record<string, unknown>
      kept: Record<string, Record<string, unknown>[]>
      boots: string[]
    }>(found)
    if (rows.length < batch.length) return false
    const assignments = new Map(batch.map(({ id, machine }) => [id, machine.assignment ?? null]))
    await writeKept(
      tx,
      'machines',
      rows.map(({ id, machine }) => ({ ...machine, assignment: assignments.get(id) })),
    )
    for (const table of new Set(rows.flatMap(({ kept }) => Object.keys(kept))))
      await writeRest(
        tx,
        table,
        rows.flatMap(({ kept }) => kept[table] ?? []),
      )
    await tx.execute(sql`
      update boots set machine_id = r.machine from (
        select key::uuid as machine, boot::uuid from jsonb_each(${JSON.stringify(Object.fromEntries(rows.map(({ id, boots }) => [id, boots])))}::jsonb),
          jsonb_array_elements_text(value) as b(boot)) as r
      where boots.id = r.boot and boots.machine_id is null`)
    await recordChanges(
      tx,
      batch.map(({ id, machine }) => ({
        actor: by,
        type: 'machine.restored',
        subject: id,
        after: auditViewOf(machine),
      })),
    )
  }
  return true
}

/** Rows may refer to what was deleted meanwhile. Then the machine comes back without these rows. */
async function writeRest(tx: Tx, table: string, rows: Record<string, unknown>[]): Promise<void> {
  await tx
    .transaction((inner) => writeKept(inner, table, rows))
    .catch((error: unknown) => {
      // foreign_key_violation, undefined_table
      if (!hasSqlState(error, '23503', '42P01')) throw error
    })
}

/** Restores an archived machine. The MACs that another machine has now stay there. @throws NotFoundError */
export async function restoreMachine(db: Db, id: string, by: Actor): Promise<Machine> {
  return db.transaction(async (tx) => {
    const [archived] = await findArchived(tx, sql`id = ${id}::uuid`, 1)
    requireFound(archived, `archived machine ${id}`)
    if (archived === undefined || !(await writeArchived(tx, [archived], by)))
      throw new NotFoundError(`there is no archived machine ${id}`)
    await takeOverDiscovered(tx, id, archived.macs)
    await tx.execute(sql`
      insert into machine_macs (mac, machine_id)
      select value, ${id}::uuid from jsonb_array_elements_text(${JSON.stringify([...archived.macs].sort())}::jsonb)
      on conflict do nothing`)
    const owner = JSON.stringify({ [machinePath]: { by, at: new Date().toISOString() } })
    await tx.execute(sql`
      update machines set owners = (owners - array(
          select path from jsonb_object_keys(owners) as k(path)
          where path like 'macs.%' and jsonb_typeof(owners -> path) = 'string'
            and not exists (select 1 from machine_macs where machine_id = ${id}::uuid and mac = substr(path, 6)))) || ${owner}::jsonb,
        revision = revision + 1, updated_at = now() where id = ${id}::uuid`)
    return (await findMachine(tx, { id })) as Machine
  })
}

/** Deletes an archived machine before its time. @throws NotFoundError */
export async function deleteArchived(db: Db, id: string, by: Actor): Promise<void> {
  await db.transaction(async (tx) => {
    const [archived] = await findArchived(tx, sql`id = ${id}::uuid`, 1)
    requireFound(archived, `archived machine ${id}`)
    if (archived === undefined) return
    await tx.execute(sql`delete from archived_machines where id = ${id}::uuid`)
    const before = auditViewOf({ ...archived.machine, macs: archived.macs })
    await recordChanges(tx, [{ actor: by, type: 'machine.deleted', subject: id, before }])
  })
}
