// Updates when a machine was last seen.

import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
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

/** Records that a machine sent a request for which no boot is opened. */
export async function recordSeen(
  db: Db,
  decision: Pick<Decision, 'machine' | 'identity'>,
  facts: Facts,
): Promise<void> {
  const remembered = rememberedOf(decision, facts)
  if (decision.machine === undefined || !remembered.seen) return
  await db.execute(sql`
    update machines set last_seen_at = now(), facts = facts || ${JSON.stringify(remembered.facts)}::jsonb
    where id = ${decision.machine.id}::uuid`)
}
