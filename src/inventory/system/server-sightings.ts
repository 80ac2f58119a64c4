// Writes sightings of DHCP and boot servers that are not this one, in the background.

import { isIPv4 } from 'node:net'
import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { Tx } from '../../db/transaction.ts'
import { messageOf } from '../../lib/errors.ts'
import { newId } from '../../lib/ids/uuid.ts'
import type { Logger } from '../../lib/log.ts'
import type { ServerSighting } from '../../model/foreign-server.ts'
import { recordChanges, system } from '../changes/changes.ts'

/**
 * Notes a server that is not this one; never throws and never waits. The caller leaves out the addresses of this server. Each
 * packet may be noted: a server is written when it is new, and then at most once a minute with the number of its sightings.
 * A new one is the change `foreign-server.seen`, for the change feed and webhooks.
 */
export type NoteServer = (sighting: ServerSighting) => void

/** Writes sightings in the background. `flush` writes the new servers now, and with `all` every sighting. */
export type ForeignServerNotes = {
  note: NoteServer
  flush: (all?: 'all') => Promise<void>
  stop: () => Promise<void>
}

/** The list is for people. A flood of forged addresses replaces unacknowledged servers, and never acknowledged ones. */
export const maxForeignServers = 1000
/** Each new server is an entry in the audit log and a message to webhooks. */
export const maxNewServersPerMinute = 20
const newAfterMs = 1000
const everyMs = 60_000
const maxText = 128

/** Times are of the monotonic clock: the database gets the age of a sighting. */
type Noted = { sighting: ServerSighting; count: number; firstAt: number; lastAt: number; writtenAt: number | undefined }

export function startForeignServers(db: Db, log: Logger): ForeignServerNotes {
  const noted = new Map<string, Noted>()
  let timer: NodeJS.Timeout | undefined
  let timerAt = Number.POSITIVE_INFINITY
  let writing: Promise<void> = Promise.resolve()
  let isStopped = false
  let isFull = false
  let minute = { since: Number.NEGATIVE_INFINITY, added: 0 }

  const schedule = (delayMs: number) => {
    const at = performance.now() + delayMs
    if (isStopped || at >= timerAt) return
    clearTimeout(timer)
    timerAt = at
    timer = setTimeout(() => void flush(), delayMs)
  }
  const write = async (all: boolean) => {
    const now = performance.now()
    if (now - minute.since >= everyMs) minute = { since: now, added: 0 }
    const due = [...noted.values()].filter((server) => server.count > 0 && (all || isDue(server, now)))
    if (due.length > 0) {
      const maxNew = maxNewServersPerMinute - minute.added
      const counts = due.map(({ count }) => count)
      const { added, left } = await writeSightings(db, due, now, maxNew)
      minute.added += added
      for (const [place, server] of due.entries()) {
        server.count -= counts[place] ?? 0
        server.writtenAt = now
        server.firstAt = server.lastAt
      }
      if (left > 0) log.warn({ servers: left, maxNewServersPerMinute }, 'foreign servers dropped: too many new ones')
    }
    for (const [key, server] of noted) if (server.count === 0 && isDue(server, now)) noted.delete(key)
    isFull = false
  }
  const flush = (all?: 'all') => {
    clearTimeout(timer)
    timerAt = Number.POSITIVE_INFINITY
    writing = writing
      .then(() => write(all === 'all'))
      .catch((error) => log.warn({ error: messageOf(error) }, 'foreign servers could not be written, retrying'))
      .then(() => {
        if (noted.size > 0) schedule(everyMs / 4)
      })
    return writing
  }

  return {
    note: (sighting) => {
      if (isStopped || !isIPv4(sighting.address)) return
      const now = performance.now()
      const key = `${sighting.role} ${sighting.address} ${sighting.interface ?? ''}`
      const before = noted.get(key)
      if (before !== undefined) {
        before.count += 1
        before.lastAt = now
        before.sighting = { ...before.sighting, ...given(sighting) }
        return
      }
      if (noted.size >= maxForeignServers) {
        if (!isFull) log.warn({ address: sighting.address }, 'foreign server dropped: too many in this minute')
        isFull = true
        return
      }
      noted.set(key, { sighting: given(sighting), count: 1, firstAt: now, lastAt: now, writtenAt: undefined })
      schedule(newAfterMs)
    },
    flush,
    stop: async () => {
      isStopped = true
      await flush('all')
    },
  }
}

function isDue({ writtenAt }: Noted, now: number): boolean {
  return writtenAt === undefined || now - writtenAt >= everyMs
}

/** The given fields, each as one short line. */
function given(sighting: ServerSighting): ServerSighting {
  const fields = Object.entries(sighting).flatMap(([name, value]) => {
    const text = value?.replace(/\p{C}/gu, '\ufffd').slice(0, maxText)
    return text ? [[name, text]] : []
  })
  return Object.fromEntries(fields) as ServerSighting
}

/** Writes sightings. `added` servers were new, and `left` new servers were not written. */
async function writeSightings(
  db: Db,
  due: Noted[],
  now: number,
  maxNew: number,
): Promise<{ added: number; left: number }> {
  const rows = due.map(({ sighting, count, firstAt, lastAt }) => ({
    id: newId(),
    ...sighting,
    interface: sighting.interface ?? '',
    count,
    first: now - firstAt,
    last: now - lastAt,
  }))
  return db.transaction(async (tx) => {
    const listed = await updateListed(tx, rows)
    const isNew = rows.filter((row) => !listed.has(row.id))
    const room = await makeRoom(tx, Math.min(isNew.length, Math.max(0, maxNew)))
    const added = await insertNew(tx, isNew.slice(0, room))
    return { added, left: isNew.length - room }
  })
}

type Row = Omit<ServerSighting, 'interface'> & {
  id: string
  interface: string
  count: number
  /** Milliseconds since the first and the last sighting. */
  first: number
  last: number
}

const recordset = (rows: Row[]) => sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
  as r(id uuid, address text, role text, evidence text, interface text, mac text, vendor text, file text, client text,
    count bigint, first double precision, last double precision)`

/** Returns the ids of the rows whose servers are on the list. Servers are locked in the order of their ids. */
async function updateListed(tx: Tx, rows: Row[]): Promise<Set<string>> {
  const found = await tx.execute(sql`
    with r as (select * from ${recordset(rows)}),
      held as (
        select s.id from foreign_servers as s join r on (r.address, r.role, r.interface) = (s.address, s.role, s.interface)
        order by s.id for update of s)
    update foreign_servers as s set count = s.count + r.count, evidence = r.evidence,
      last_seen_at = greatest(s.last_seen_at, now() - r.last * interval '1 millisecond'),
      mac = coalesce(r.mac, s.mac), vendor = coalesce(r.vendor, s.vendor), file = coalesce(r.file, s.file),
      client = coalesce(r.client, s.client)
    from r, held where s.id = held.id and (r.address, r.role, r.interface) = (s.address, s.role, s.interface)
    returning r.id`)
  return new Set(rowsOf<{ id: string }>(found).map(({ id }) => id))
}

/** Deletes unacknowledged servers, the least recently seen first. Returns for how many new ones there is room. */
async function makeRoom(tx: Tx, count: number): Promise<number> {
  if (count === 0) return 0
  const found = await tx.execute(sql`
    with beyond as (select greatest(0, count(*) + ${count} - ${maxForeignServers})::int as count from foreign_servers),
      gone as (
        delete from foreign_servers where id in (
          select id from foreign_servers where acknowledged_at is null
          order by last_seen_at, id limit (select count from beyond))
        returning id)
    select (select count from beyond) - (select count(*) from gone)::int as missing`)
  return Math.max(0, count - (rowsOf<{ missing: number }>(found)[0]?.missing ?? 0))
}

async function insertNew(tx: Tx, rows: Row[]): Promise<number> {
  if (rows.length === 0) return 0
  const found = await tx.execute(sql`
    insert into foreign_servers (id, address, role, evidence, interface, mac, vendor, file, client, count, first_seen_at, last_seen_at)
    select id, address, role, evidence, interface, mac, vendor, file, client, count,
      now() - first * interval '1 millisecond', now() - last * interval '1 millisecond' from ${recordset(rows)}
    on conflict (address, role, interface) do nothing returning id`)
  const ids = new Set(rowsOf<{ id: string }>(found).map(({ id }) => id))
  const added = rows.filter(({ id }) => ids.has(id))
  await recordChanges(
    tx,
    added.map(({ id, count: _, first: __, last: ___, ...after }) => ({
      actor: system,
      type: 'foreign-server.seen',
      subject: id,
      after,
    })),
  )
  return added.length
}
