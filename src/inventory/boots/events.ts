// Boot events: written, listed and deleted. Called by inventory/journal/writing/write-batch.ts, the API and the housekeeping.

import { asc, desc, eq, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { bootEvents } from '../../db/schema/boots.ts'
import type { Tx } from '../../db/transaction.ts'
import { type BootEvent, stages } from '../../model/boot.ts'
import { prelude, type WrittenStray } from './open-boot.ts'

/** The events of DHCP without a boot that are kept; a thousand machines that start together have about 6000. */
const maxStrayDhcpEvents = 50_000
/** A boot has a dozen events. Anyone who knows its id must not be able to fill the disk with more. */
export const maxEventsPerBoot = 500
/** The limit for steps that an installer names, so that the report of its end is still stored. */
export const maxProgressEvents = 300

/** An event as the journal stores it. */
export function eventRecordOf({ bootId, durationMs, ...event }: Omit<BootEvent, 'at'>) {
  return {
    ...event,
    boot_id: bootId,
    duration_ms: durationMs,
    file: storable(event.file),
    message: storable(event.message),
  }
}

/** The events of a boot, in the order they were seen. */
export async function listBootEvents(db: Db, bootId: string): Promise<BootEvent[]> {
  const rows = await db
    .select()
    .from(bootEvents)
    .where(eq(bootEvents.bootId, bootId))
    .orderBy(asc(bootEvents.at), asc(bootEvents.id))
  return rows.map(({ bootId: _, ...row }) => bootEventOf(row))
}

/** The last events of a machine, the oldest first: with its MAC, or with its last address for a listener that sees no MAC. */
export async function listMacEvents(
  db: Db,
  { mac, ip }: { mac: string; ip?: string | undefined },
  max: number,
): Promise<BootEvent[]> {
  const own = or(eq(bootEvents.mac, mac), ip === undefined ? undefined : eq(bootEvents.ip, ip))
  const rows = await db
    .select()
    .from(bootEvents)
    .where(own)
    .orderBy(desc(bootEvents.at), desc(bootEvents.id))
    .limit(max)
  return rows.reverse().map(({ bootId: _, ...row }) => bootEventOf(row))
}

/** The event of a row, without its null values. */
export function bootEventOf({ id: _, ...row }: Omit<typeof bootEvents.$inferSelect, 'bootId'>): BootEvent {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as BootEvent
}

/** Deletes events without a boot: firmware fetched a boot program and did nothing more. */
export async function pruneStrayEvents(db: Db): Promise<void> {
  await db.execute(sql`delete from boot_events where boot_id is null and at < now() - interval '1 day'`)
}

/** Deletes the oldest events of DHCP that have no boot, beyond `max`. */
export async function capStrayDhcpEvents(db: Db, max = maxStrayDhcpEvents): Promise<void> {
  const strays = sql`from boot_events where boot_id is null and mac is not null and stage = 'dhcp'`
  const counted = await db.execute(sql`select count(*)::int as count ${strays}`)
  const beyond = (rowsOf<{ count: number }>(counted)[0]?.count ?? 0) - max
  if (beyond > 0)
    await db.execute(sql`delete from boot_events where id in (select id ${strays} order by at, id limit ${beyond})`)
}

/**
 * Writes events of boots. A boot id comes from a URL, so an unknown one is dropped. Boots are locked in the order of their ids, as
 * reports lock them: otherwise PostgreSQL would end one of two batches as a deadlock. Events come late, and clocks are set back:
 * a boot's stage follows the order of stages, not of times. Returns the stages that boots reached, each with the seconds since
 * the script. @param json a JSON array of records @param now the present time of their run
 */
export async function insertEvents(tx: Tx, json: string, now: number): Promise<{ stage: string; seconds: number }[]> {
  const order = (stage: SQL) => sql`array_position(${`{${stages.join(',')}}`}::text[], ${stage})`
  const found = await tx.execute(sql`
    with e as (
        select *, row_number() over (partition by boot_id order by n) as place,
          row_number() over (partition by boot_id order by ${order(sql`stage`)} desc, n desc) as last
        from ${eventsOf(json, now)}),
      held as (select id from boots where id in (select boot_id from e) order by id for update),
      moved as (
        update boots set stage = e.stage, moved_at = greatest(least(boots.moved_at, now()), e.at),
          outcome = nullif(boots.outcome, 'stalled'), message = case when boots.outcome = 'stalled' then null else boots.message end
        from e join held on held.id = e.boot_id
        where boots.id = e.boot_id and e.last = 1 and ${order(sql`e.stage`)} >= ${order(sql`boots.stage`)}),
      written as (
        insert into boot_events (boot_id, ip, mac, stage, kind, client, file, bytes, duration_ms, message, at)
        select boot_id, ip, mac, stage, kind, client, file, bytes, duration_ms, message, at from e
        where exists (select 1 from boots where boots.id = e.boot_id)
          and (select count(*) from boot_events as seen where seen.boot_id = e.boot_id) + place <= ${maxEventsPerBoot}
        order by n returning boot_id, stage, at)
    select written.stage, extract(epoch from written.at - boots.started_at)::float8 as seconds
    from written join boots on boots.id = written.boot_id`)
  return rowsOf<{ stage: string; seconds: number }>(found)
}

/**
 * Writes events without a boot, in their order. A late event may follow the boot that its machine opened after it: then it
 * belongs to the newest boot of its address. @param ns their numbers, in the same order
 */
export async function insertStrays(tx: Tx, json: string, ns: number[], now: number): Promise<WrittenStray[]> {
  const found = await tx.execute(sql`
    insert into boot_events (boot_id, ip, mac, stage, kind, client, file, bytes, duration_ms, message, at)
    select newest.id, ip, mac, stage, kind, client, file, bytes, duration_ms, message, at from ${eventsOf(json, now)}
    left join lateral (
      select id, started_at, mac as boot_mac from boots where boots.ip = e.ip order by seq desc limit 1) as newest
      on e.late and newest.started_at > e.at::timestamptz(3) and newest.started_at < e.at + ${prelude} and (e.mac is null or e.mac = newest.boot_mac)
    order by n returning id`)
  // Ids of a sequence follow the order of the rows.
  const ids = rowsOf<{ id: number | string }>(found).map(({ id }) => Number(id))
  return ids.sort((a, b) => a - b).map((id, index) => ({ id, n: ns[index] as number }))
}

function eventsOf(json: string, now: number): SQL {
  return sql`(select *, now() - greatest(0, ${now}::float8 - ms) * interval '1 millisecond' as at
    from jsonb_to_recordset(${json}::jsonb) as e(n bigint, ms float8, boot_id uuid, ip text, mac text, stage text, kind text,
      client text, file text, bytes bigint, duration_ms int, message text, late boolean)) as e`
}

// PostgreSQL stores neither NUL nor half a surrogate pair, and one such event would keep all those after it waiting.
export function storable(text: string | undefined): string | undefined {
  return text?.replace(/\0|\p{Cs}/gu, '\ufffd')
}
