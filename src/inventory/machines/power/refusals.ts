// Which machines cannot be powered now, and why.

import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Machine } from '../../../model/machine.ts'
import { type PowerOrder, whyCannot } from '../../../model/power/power.ts'
import { findPowers } from './settings.ts'

/** The reason why each machine cannot be powered as ordered, by machine id. */
export async function findPowerRefusals(
  db: Db,
  machines: Pick<Machine, 'id'>[],
  order: PowerOrder,
): Promise<ReadonlyMap<string, string>> {
  const ids = machines.map(({ id }) => id)
  const settings = await findPowers(db, ids)
  const open = rowsOf<{ id: string }>(
    await db.execute(sql`
      select machine_id as id from power_requests where ended_at is null
        and machine_id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`),
  )
  const busy = new Set(open.map(({ id }) => id))
  const reasons = ids.flatMap((id): [string, string][] => {
    const setting = settings.get(id)
    const why =
      setting === undefined
        ? 'the machine has no power setting. Next step: bootwright machine power set MACHINE'
        : (whyCannot(setting.kind, order) ??
          (busy.has(id) ? 'another power request of the machine has not ended' : undefined))
    return why === undefined ? [] : [[id, why]]
  })
  return new Map(reasons)
}
