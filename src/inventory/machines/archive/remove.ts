// Removes many machines with what depends on them. Called by archive.ts and ../actions.ts.
import { type SQL, sql } from 'drizzle-orm'
import type { Tx } from '../../../db/transaction.ts'
import type { Machine } from '../../../model/machine.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { auditViewOf } from '../machines.ts'

/** Deletes the rows of machines and their secrets, and records it; their boots stay. */
export async function removeMachines(
  tx: Tx,
  machines: Machine[],
  type: 'machine.archived' | 'machine.deleted',
  by: Actor,
): Promise<void> {
  await tx.execute(sql`delete from machines where id in ${idsOf(machines)}`)
  await tx.execute(
    sql`delete from secrets where owner_kind = 'machine' and owner in (select id::text from ${idsOf(machines)} as gone(id))`,
  )
  await recordChanges(
    tx,
    machines.map((machine) => ({ actor: by, type, subject: machine.id, before: auditViewOf(machine) })),
  )
}

/** The ids of machines, as a subquery. */
export function idsOf(machines: Machine[]): SQL {
  return sql`(select value::uuid from jsonb_array_elements_text(${JSON.stringify(machines.map(({ id }) => id))}::jsonb))`
}
