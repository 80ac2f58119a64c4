// Updates when a machine was last seen.

import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import type { Decision } from '../../../model/decision.ts'
import type { Facts } from '../../../model/facts.ts'

/** What of a request is remembered of its machine: what it said only when it surely is that machine, that it was seen also by its MAC alone. */
export function rememberedOf({ identity }: Pick<Decision, 'identity'>, facts: Facts): { seen: boolean; facts: Facts } {
  const sure = identity?.weak === undefined
  return { seen: sure || identity?.byMac === true, facts: sure ? facts : {} }
}

/** Notes that a machine asked, where no boot of it is opened. */
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
