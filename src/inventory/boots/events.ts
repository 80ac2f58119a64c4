// Boot events, written in the background.

import { asc, eq, sql } from 'drizzle-orm'
import { validate as isUuid } from 'uuid'
import type { Db } from '../../db/open.ts'
import { bootEvents } from '../../db/schema/boots.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { type BootEvent, stages } from '../../model/boot.ts'

/** Writes events in the background. `record` never throws and never waits; `flush` waits for what was recorded before it. */
export type BootEventRecorder = {
  record: (event: Omit<BootEvent, 'at'>) => void
  flush: () => Promise<void>
  stop: () => Promise<void>
}

/** `seenAt` is of the monotonic clock: the database gets the age of the event. */
type SeenEvent = Omit<BootEvent, 'at'> & { seenAt: number }

const flushAfterMs = 50
const retryAfterMs = 1000
const maxPending = 50_000
const maxRowsPerStatement = 1000
/** A boot has a dozen events. Anyone who knows its id must not be able to fill the disk with more. */
export const maxEventsPerBoot = 500
/** The limit for steps that an installer names, so that the report of its end is still stored. */
export const maxProgressEvents = 300

export function startBootEventRecorder(db: Db, log: Logger): BootEventRecorder {
  let pending: SeenEvent[] = []
  let writing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  let failedAt = Number.NEGATIVE_INFINITY

  const write = async () => {
    // Every report requests a flush. While the database is unreachable, one attempt in each retry period is enough.
    if (!stopped && performance.now() - failedAt < retryAfterMs) return schedule(retryAfterMs)
    while (pending.length > 0) {
      const batch = pending.slice(0, maxRowsPerStatement)
      try {
        await insertEvents(db, batch)
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
  return rows.map(
    ({ id: _, bootId: __, ...row }) =>
      Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as BootEvent,
  )
}

/** Deletes events without a boot: firmware fetched a boot program and did nothing more. */
export async function pruneStrayEvents(db: Db): Promise<void> {
  await db.execute(sql`delete from boot_events where boot_id is null and at < now() - interval '1 day'`)
}

// A boot id comes from a URL, so an unknown one is dropped here rather than failing the others in the batch. Boots are locked
// in the order of their ids, as reports lock them: otherwise PostgreSQL would end one of two batches as a deadlock.
// Events come late, and clocks are set back: a boot's stage follows the order of stages, not of times.
async function insertEvents(db: Db, events: SeenEvent[]): Promise<void> {
  const now = performance.now()
  const rows = events.map((e, n) => ({
    n,
    rank: stages.indexOf(e.stage),
    boot_id: e.bootId,
    ip: e.ip,
    stage: e.stage,
    file: e.file,
    bytes: e.bytes,
    duration_ms: e.durationMs,
    message: e.message,
    age: now - e.seenAt,
  }))
  const order = sql`array_position(${`{${stages.join(',')}}`}::text[], boots.stage) - 1`
  await db.execute(sql`
    with e as (
        select *, now() - age * interval '1 millisecond' as at, row_number() over (partition by boot_id order by n) as place,
          row_number() over (partition by boot_id order by rank desc, n desc) as last
        from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as e(n int, rank int, boot_id uuid, ip text, stage text, file text,
          bytes bigint, duration_ms int, message text, age double precision)),
      held as (select id from boots where id in (select boot_id from e) order by id for update),
      moved as (
        update boots set stage = e.stage, moved_at = greatest(least(boots.moved_at, now()), e.at),
          outcome = nullif(boots.outcome, 'stalled'), message = case when boots.outcome = 'stalled' then null else boots.message end
        from e join held on held.id = e.boot_id where boots.id = e.boot_id and e.last = 1 and e.rank >= ${order})
    insert into boot_events (boot_id, ip, stage, file, bytes, duration_ms, message, at)
    select boot_id, ip, stage, file, bytes, duration_ms, message, at from e
    where boot_id is null or (exists (select 1 from boots where boots.id = e.boot_id)
      and (select count(*) from boot_events as seen where seen.boot_id = e.boot_id) + place <= ${maxEventsPerBoot})
    order by n`)
}

// PostgreSQL stores neither NUL nor half a surrogate pair, and one such event would keep all those after it waiting.
export function storable(text: string | undefined): string | undefined {
  return text?.replace(/\0|\p{Cs}/gu, '\ufffd')
}
