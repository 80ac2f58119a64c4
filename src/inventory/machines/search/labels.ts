// The labels of machines, for filters.

import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Scope } from '../../../model/access/scope.ts'

/** A label with the values that most machines have. */
export type LabelValues = { key: string; machines: number; values: { value: string; machines: number }[] }

const maxKeys = 100

/** The labels that most machines have, each with its most used values. Many machines have the same labels, so each set is opened once. */
export async function listLabels(db: Db, scope: Scope | undefined, maxValues: number): Promise<LabelValues[]> {
  const found = await db.execute(sql`
    with alike as (
      select labels, count(*) as n from machines
      where ${scope === undefined ? sql`true` : sql`labels @> ${JSON.stringify(scope)}::jsonb`} group by labels),
    counted as (select key, value, sum(n) as n from alike, jsonb_each_text(labels) group by key, value),
    ranked as (
      select key, value, n, sum(n) over (partition by key) as total,
        row_number() over (partition by key order by n desc, value) as place from counted),
    keys as (select key from ranked group by key order by max(total) desc, key limit ${maxKeys})
    select key, value, n::int, total::int from ranked where place <= ${maxValues} and key in (select key from keys)
    order by total desc, key, place`)
  const labels = new Map<string, LabelValues>()
  for (const { key, value, n, total } of rowsOf<{ key: string; value: string; n: number; total: number }>(found)) {
    const label = labels.get(key) ?? { key, machines: total, values: [] }
    label.values.push({ value, machines: n })
    labels.set(key, label)
  }
  return [...labels.values()]
}
