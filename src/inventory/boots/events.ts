// Boot events, written in the background.

import { asc, desc, eq, or, sql } from 'drizzle-orm'
import { validate as isUuid } from 'uuid'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { bootEvents } from '../../db/schema/boots.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { createQuota } from '../../lib/time/quota.ts'
import { type BootEvent, stages } from '../../model/boot.ts'

/** Writes events in the background. `flush` waits for what was recorded before it. */
export type BootEventRecorder = {
  /**
   * Records an event; never throws and never waits. For DHCP give `stage: 'dhcp'`, the MAC, and the address that the packet
   * shows, or `noAddress`: of a REQUEST option 50, of a request to port 4011 its source. Such an event ties address and MAC.
   */
  record: (event: Omit<BootEvent, 'at'>) => void
  flush: () => Promise<void>
  /** The number of events that wait for the database. */
  waiting: () => number
  stop: () => Promise<void>
}

/** `seenAt` is of the monotonic clock: the database gets the age of the event. */
type SeenEvent = Omit<BootEvent, 'at'> & { seenAt: number }

const flushAfterMs = 50
const retryAfterMs = 1000
const maxPending = 50_000
const maxRowsPerStatement = 1000
/** A flood of DISCOVERs has a new MAC in each packet, so only their number in a minute can be limited. */
export const maxDhcpEventsPerMinute = 10_000
/** The events of DHCP without a boot that are kept; a thousand machines that start together have about 6000. */
const maxStrayDhcpEvents = 50_000
/** A boot has a dozen events. Anyone who knows its id must not be able to fill the disk with more. */
export const maxEventsPerBoot = 500
/** The limit for steps that an installer names, so that the report of its end is still stored. */
export const maxProgressEvents = 300

export function startBootEventRecorder(db: Db, log: Logger, metrics?: Pick<Metrics, 'stage'>): BootEventRecorder {
  let pending: SeenEvent[] = []
  let writing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let failedAt = Number.NEGATIVE_INFINITY
  const hasRoomForDhcp = createQuota({
    max: maxDhcpEventsPerMinute,
    periodMs: 60_000,
    atFirst: () => log.warn({ maxPerMinute: maxDhcpEventsPerMinute }, 'DHCP events dropped: too many in this minute'),
  })

  const write = async () => {
    // Every report requests a flush. While the database is unreachable, one attempt in each retry period is enough.
    if (!stopped && performance.now() - failedAt < retryAfterMs) return schedule(retryAfterMs)
    while (pending.length > 0) {
      const batch = pending.slice(0, maxRowsPerStatement)
      try {
        for (const { stage, seconds } of await insertEvents(db, batch)) metrics?.stage(stage, seconds)
        pending = pending.slice(batch.length)
      } catch (error) {
        failedAt = performance.now()
        log.warn({ pending: pending.length, error: messageOf(error) }, 'boot events could not be written, retrying')
        if (!stopped) schedule(retryAfterMs)
        return
      }
    }
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(write)
    return writing
  }
  const schedule = (delayMs: number) => {
    timer ??= setTimeout(() => void flush(), delayMs)
  }

  return {
    record: (event) => {
      if (event.bootId !== undefined && !isUuid(event.bootId)) return
      if (event.stage === 'dhcp' && !hasRoomForDhcp()) return
      if (pending.length >= maxPending) {
        log.error(
          { stage: event.stage, ip: event.ip },
          'boot event dropped: too many events are waiting for the database',
        )
        return
      }
      pending.push({
        ...event,
        file: storable(event.file),
        message: storable(event.message),
        seenAt: performance.now(),
      })
      schedule(flushAfterMs)
    },
    flush: () => (pending.length > 0 ? flush() : writing),
    waiting: () => pending.length,
    stop: async () => {
      stopped = true
      await flush()
    },
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

// A boot id comes from a URL, so an unknown one is dropped here rather than failing the others in the batch. Boots are locked
// in the order of their ids, as reports lock them: otherwise PostgreSQL would end one of two batches as a deadlock.
// Events come late, and clocks are set back: a boot's stage follows the order of stages, not of times.
// Returns the stages of boots that were reached, each with the seconds since the script.
async function insertEvents(db: Db, events: SeenEvent[]): Promise<{ stage: string; seconds: number }[]> {
  const now = performance.now()
  const rows = events.map((e, n) => ({
    n,
    rank: stages.indexOf(e.stage),
    boot_id: e.bootId,
    ip: e.ip,
    mac: e.mac,
    kind: e.kind,
    client: e.client,
    stage: e.stage,
    file: e.file,
    bytes: e.bytes,
    duration_ms: e.durationMs,
    message: e.message,
    age: now - e.seenAt,
  }))
  const order = sql`array_position(${`{${stages.join(',')}}`}::text[], boots.stage) - 1`
  const found = await db.execute(sql`
    with e as (
        select *, now() - age * interval '1 millisecond' as at, row_number() over (partition by boot_id order by n) as place,
          row_number() over (partition by boot_id order by rank desc, n desc) as last
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as e(n int, rank int, boot_id uuid, ip text, mac text, stage text, kind text, client text, file text,
          bytes bigint, duration_ms int, message text, age double precision)),
      held as (select id from boots where id in (select boot_id from e) order by id for update),
      moved as (
        update boots set stage = e.stage, moved_at = greatest(least(boots.moved_at, now()), e.at),
          outcome = nullif(boots.outcome, 'stalled'), message = case when boots.outcome = 'stalled' then null else boots.message end
        from e join held on held.id = e.boot_id where boots.id = e.boot_id and e.last = 1 and e.rank >= ${order}),
      written as (
        insert into boot_events (boot_id, ip, mac, stage, kind, client, file, bytes, duration_ms, message, at)
        select boot_id, ip, mac, stage, kind, client, file, bytes, duration_ms, message, at from e
        where boot_id is null or (exists (select 1 from boots where boots.id = e.boot_id)
          and (select count(*) from boot_events as seen where seen.boot_id = e.boot_id) + place <= ${maxEventsPerBoot})
        order by n returning boot_id, stage, at)
    select written.stage, extract(epoch from written.at - boots.started_at)::float8 as seconds
    from written join boots on boots.id = written.boot_id`)
  return rowsOf<{ stage: string; seconds: number }>(found)
}

// PostgreSQL stores neither NUL nor half a surrogate pair, and one such event would keep all those after it waiting.
export function storable(text: string | undefined): string | undefined {
  return text?.replace(/\0|\p{Cs}/gu, '\ufffd')
}
