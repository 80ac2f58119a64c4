import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Facts } from '../../../model/facts.ts'

/** MACs remembered of one machine; its key is none from the second on, so more say nothing new. */
const maxPerMachine = 16

/**
 * Remembers that a request was taken for a machine by UUID or serial, with a MAC that the machine does not have. True when
 * that is new: another request may have come at the same moment, and who is asked for must be looked up again.
 */
export async function recordClaim(db: Db, machineId: string, facts: Facts): Promise<boolean> {
  const added = await db.execute(sql`
    insert into identity_claims (machine_id, mac, facts)
    select id, ${facts.mac ?? ''}, ${JSON.stringify(facts)}::jsonb from machines where id = ${machineId}::uuid
      and (select count(*) from identity_claims where machine_id = ${machineId}::uuid) < ${maxPerMachine}
    on conflict do nothing returning mac`)
  return rowsOf(added).length > 0
}
