// Finds the newest facts of machines.

import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Facts } from '../../../model/facts.ts'
import type { Machine } from '../../../model/machine.ts'

/**
 * What machines reported at their newest boot by one of their MACs, by their ids. A machine is not known by what it reported
 * while its identity was uncertain, but it will report that again.
 */
export async function findReported(db: Db, machines: Machine[]): Promise<Map<string, Facts>> {
  const ids = JSON.stringify(machines.map(({ id }) => id))
  const found = await db.execute(sql`
    select asked.id, latest.facts from (select value::uuid as id from jsonb_array_elements_text(${ids}::jsonb)) as asked
    cross join lateral (
      select facts from boots where machine_id = asked.id
        and (mac in (select mac from machine_macs where machine_id = asked.id)
          or not exists (select 1 from machine_macs where machine_id = asked.id))
      order by seq desc limit 1) as latest`)
  return new Map(rowsOf<{ id: string; facts: Facts }>(found).map(({ id, facts }) => [id, facts]))
}
