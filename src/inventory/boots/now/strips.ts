// The last boots of several machines, for a strip of little bars beside each machine.
import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import type { BootSummary } from '../../../model/boot.ts'
import { listBootsWhere } from '../boots.ts'

/** A strip has this many bars. */
export const maxStripBoots = 10

/** The last boots of each machine, newest first, in one statement. A machine without boots is absent. */
export async function findStrips(db: Db, machineIds: string[]): Promise<Map<string, BootSummary[]>> {
  const found = await listBootsWhere(
    db,
    sql`boots.id in (
      select newest.id from jsonb_array_elements_text(${JSON.stringify(machineIds)}::jsonb) as machine(id)
      cross join lateral (select boot.id from boots as boot where boot.machine_id = machine.id::uuid
        order by boot.seq desc limit ${maxStripBoots}) as newest)`,
    machineIds.length * maxStripBoots,
  )
  const strips = new Map<string, BootSummary[]>()
  for (const boot of found) {
    const { machineId } = boot
    if (machineId !== null) strips.set(machineId, [...(strips.get(machineId) ?? []), boot])
  }
  return strips
}
