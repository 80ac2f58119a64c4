// Discovered machines: recorded, limited, deleted.

import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { machines } from '../../../db/schema/machines.ts'
import type { Tx } from '../../../db/transaction.ts'
import { sharerOf } from '../../../lib/subnet.ts'
import type { Facts } from '../../../model/facts.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { findMachine } from '../machines.ts'

/** A machine that was never seen before, with the id that it gets. */
export type Discovered = { id: string; facts: Facts & { mac: string } }

/** Discovered machines that are kept, in all and of one address: on an open network anybody can invent a MAC. */
export type DiscoveryLimits = { max: number; maxPerAddress: number }

/**
 * Records a machine that was never seen before, with its facts. At the limit, the machines seen longest ago are deleted, beginning
 * with the address that has the most. A machine whose MAC is known already stays as it is.
 */
export async function recordDiscovered(tx: Tx, { id, facts }: Discovered, limits: DiscoveryLimits): Promise<void> {
  const { mac } = facts
  if (await insertDiscovered(tx, id, facts, limits)) return
  if ((await findMachine(tx, { mac })) !== undefined) return
  await makeRoom(tx, sharerOf(facts.ip ?? ''), limits)
  await insertDiscovered(tx, id, facts, limits)
}

async function insertDiscovered(
  tx: Tx,
  id: string,
  facts: Discovered['facts'],
  { max, maxPerAddress }: DiscoveryLimits,
): Promise<boolean> {
  const { mac } = facts
  const network = sharerOf(facts.ip ?? '')
  const there = (condition: SQL, limit: number) =>
    sql`(select count(*) from (select 1 from machines where discovered and ${condition} limit ${limit}) as found) < ${limit}`
  const made = await tx.execute(sql`
    with claimed as (select 1 where not exists (select 1 from machine_macs where mac = ${mac})
        and ${there(sql`true`, max)} and ${there(sql`discovered_from = ${network}`, maxPerAddress)}),
      noted as (
        insert into changes (actor, type, subject, after)
        select ${`machine ${mac}`}, 'machine.discovered', ${id}, ${JSON.stringify({ macs: [mac], facts })}::jsonb from claimed),
      made as (
        insert into machines (id, discovered, discovered_from, facts, last_seen_at)
        select ${id}::uuid, true, ${network}, ${JSON.stringify(facts)}::jsonb, now() from claimed returning id)
    insert into machine_macs (mac, machine_id) select ${mac}, id from made returning mac`)
  return rowsOf(made).length > 0
}

/** Deletes a twentieth at once, so that a flood does not make every request search for the oldest machine. */
async function makeRoom(tx: Tx, network: string, { max, maxPerAddress }: DiscoveryLimits): Promise<void> {
  const room = (limit: number) => Math.max(1, Math.floor(limit / 20))
  await tx.execute(sql`
    delete from machines where id in (
      select id from machines where discovered and discovered_from = ${network}
      order by last_seen_at nulls first, id
      limit (select case when count(*) < ${maxPerAddress} then 0 else ${room(maxPerAddress)} end from machines
        where discovered and discovered_from = ${network}))`)
  await tx.execute(sql`
    delete from machines where id in (
      select id from (
        select id, last_seen_at, row_number() over (partition by discovered_from order by last_seen_at desc nulls last, id desc) as place
        from machines where discovered) as ranked
      order by place desc, last_seen_at nulls first
      limit (select case when count(*) < ${max} then 0 else ${room(max)} end from machines where discovered))`)
}

/** A filter of discovered machines; all conditions must hold. */
export type DiscoveredFilter = { notSeenSince?: Date | undefined; address?: string | undefined }

/** Deletes discovered machines, at most `limit`; their boots stay. Returns their number. */
export async function forgetDiscovered(
  db: Db,
  { notSeenSince, address }: DiscoveredFilter,
  { limit, dryRun }: { limit: number; dryRun: boolean },
  by: Actor,
): Promise<number> {
  const condition = and(
    eq(machines.discovered, true),
    notSeenSince &&
      sql`coalesce(${machines.lastSeenAt}, ${machines.createdAt}) < ${notSeenSince.toISOString()}::timestamptz`,
    address === undefined ? undefined : sql`${machines.discoveredFrom} = ${sharerOf(address)}`,
  )
  const chosen = db.select({ id: machines.id }).from(machines).where(condition).limit(limit)
  if (dryRun) return (await chosen).length
  return db.transaction(async (tx) => {
    const gone = await tx.delete(machines).where(sql`${machines.id} in ${chosen}`).returning({ id: machines.id })
    const after = {
      forgotten: gone.length,
      ...(address !== undefined && { address }),
      ...(notSeenSince && { notSeenSince }),
    }
    if (gone.length > 0)
      await recordChanges(tx, [{ actor: by, type: 'machine.forgotten', subject: 'discovered', after }])
    return gone.length
  })
}
