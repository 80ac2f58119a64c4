// Updates when a machine was last seen. Called by inventory/journal/ and open-boot.ts.

import { sql } from 'drizzle-orm'
import type { Tx } from '../../../db/transaction.ts'
import type { Decision } from '../../../model/decision.ts'
import type { Facts } from '../../../model/facts.ts'

/**
 * The parts of a request that update its machine. The facts need a certain identity, but the time also counts for a MAC
 * alone.
 */
export function rememberedOf({ identity }: Pick<Decision, 'identity'>, facts: Facts): { seen: boolean; facts: Facts } {
  const sure = identity?.weak === undefined
  return { seen: sure || identity?.byMac === true, facts: sure ? facts : {} }
}

/** A request for which no boot is opened, as the journal stores it; undefined if it updates no machine. */
export function seenRecordOf(decision: Pick<Decision, 'machine' | 'identity'>, facts: Facts) {
  const remembered = rememberedOf(decision, facts)
  if (decision.machine === undefined || !remembered.seen) return undefined
  return { machine_id: decision.machine.id, remembered: remembered.facts }
}

/** Records that machines sent requests. @param json a JSON array of records @param now the present time of their run */
export async function writeSeen(tx: Tx, json: string, now: number): Promise<void> {
  await tx.execute(sql`
    with r as (
        select *, now() - greatest(0, ${now}::float8 - ms) * interval '1 millisecond' as at
        from jsonb_to_recordset(${json}::jsonb) as r(n bigint, ms float8, machine_id uuid, remembered jsonb)),
      seen as (
        select machine_id, max(at) as at, coalesce(jsonb_object_agg(fact.key, fact.value order by n) filter (where fact.key is not null), '{}') as facts
        from r left join lateral jsonb_each(remembered) as fact on true group by machine_id)
    update machines set last_seen_at = greatest(case when machines.last_seen_at < now() then machines.last_seen_at end, seen.at),
      facts = machines.facts || seen.facts
    from seen where machines.id = seen.machine_id`)
}
