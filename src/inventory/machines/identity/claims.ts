// Records MACs that claim an entered machine.

import { sql } from 'drizzle-orm'
import type { Tx } from '../../../db/transaction.ts'
import type { Facts } from '../../../model/facts.ts'

/** The limit of remembered MACs for one machine: from the second on its value identifies nothing, so more say nothing new. */
const maxPerMachine = 16

/** Records that a request identified a machine by UUID or serial, with a MAC that the machine does not have. */
export async function recordClaim(tx: Tx, machineId: string, facts: Facts): Promise<void> {
  await tx.execute(sql`
    insert into identity_claims (machine_id, mac, facts)
    select id, ${facts.mac ?? ''}, ${JSON.stringify(facts)}::jsonb from machines where id = ${machineId}::uuid
      and (select count(*) from identity_claims where machine_id = ${machineId}::uuid) < ${maxPerMachine}
    on conflict do nothing`)
}
