// The question that every look-up depends on: what changed since the last question? Called by roster.ts, and by housekeeping
// to delete old answers.
import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'

/** The place of an answer in the history of a database: all changes that `snapshot` sees are known. */
export type Place = {
  /** Of `pg_current_snapshot`. */
  snapshot: string
  /** When the database server was started. Another server may have another history. */
  server: string
}

/** The answer to a question. */
export type Answer = Place & {
  /** The database is a standby. Its snapshots do not tell which transactions are in progress. */
  isStandby: boolean
  /** The revision of the catalog. */
  revision: number
  /** The time of the database, in milliseconds since 1970. */
  now: number
  /** The changes since the place of the question; undefined if they are unknown or too many. */
  changes: Changes | undefined
}

/** Ids of machines and boots. The machines with one of these host names may have another name now. */
export type Changes = { machines: string[]; boots: string[]; hostnames: string[] }

/** Beyond this limit, reading everything again is cheaper. */
const maxChanges = 5000

type Change = [kind: 'machine' | 'boot' | 'all', key: string, hostnames: string[] | null]
type AnswerRow = Place & {
  isStandby: boolean
  revision: string
  now: number
  isBehind: boolean
  changes: Change[] | null
}

/**
 * Asks what changed since a place. A row of `roster_changes` is new if only the present snapshot sees it, and not that of the
 * place. Its transaction began later, or was in progress then (PostgreSQL manual, 9.27.8: snapshot components).
 */
export async function askChanges(db: Db, since: Place | undefined): Promise<Answer> {
  const before = sql`${since?.snapshot ?? null}::text::pg_snapshot`
  const [row] = rowsOf<AnswerRow>(
    await db.execute(sql`
    select pg_current_snapshot()::text as snapshot, extract(epoch from pg_postmaster_start_time())::text as server, pg_is_in_recovery() as "isStandby",
      (select revision from catalog) as revision, (extract(epoch from now()) * 1000)::float8 as now,
      (select pg_snapshot_xmax(deleted) > pg_snapshot_xmax(${before})
          or exists (select 1 from pg_snapshot_xip(${before}) as x where pg_visible_in_snapshot(x, deleted))
        from roster_horizon) as "isBehind",
      (select jsonb_agg(jsonb_build_array(kind, key, hostnames)) from (
        select kind, key, hostnames from roster_changes where xid >= pg_snapshot_xmax(${before})
        union all
        select kind, key, hostnames from roster_changes
        where xid = any(array(select pg_snapshot_xip(${before}))) and xid < pg_snapshot_xmax(${before})
        limit ${sql.raw(String(maxChanges + 1))}) as new) as changes`),
  )
  if (row === undefined) throw new Error('the database did not answer which machines changed')
  const { snapshot, server, isStandby, revision, now, isBehind, changes } = row
  const isComplete = since !== undefined && since.server === server && !isStandby && isBehind === false
  return {
    ...{ snapshot, server, isStandby, now, revision: Number(revision) },
    changes: isComplete ? changesOf(changes ?? []) : undefined,
  }
}

function changesOf(list: Change[]): Changes | undefined {
  if (list.length > maxChanges || list.some(([kind]) => kind === 'all')) return undefined
  const idsOf = (kind: string) => [...new Set(list.filter((change) => change[0] === kind).map(([, key]) => key))]
  return {
    machines: idsOf('machine'),
    boots: idsOf('boot'),
    hostnames: [...new Set(list.flatMap(([, , hostnames]) => hostnames ?? []))],
  }
}

/**
 * Deletes the changes that all servers have had an hour to ask for, and remembers which. Several servers may do so at once.
 * A transaction that was in progress an hour ago keeps its rows.
 */
export async function pruneRosterChanges(db: Db, { keptSeconds = 3600 } = {}): Promise<void> {
  await db.transaction(async (tx) => {
    const moved = await tx.execute(sql`
      update roster_horizon set deleted = marked, marked = pg_current_snapshot(), marked_at = now()
      where marked_at <= now() - ${keptSeconds}::float8 * interval '1 second' returning id`)
    if (rowsOf(moved).length === 0) return
    await tx.execute(sql`
      delete from roster_changes where xid < (select pg_snapshot_xmax(deleted) from roster_horizon)
        and pg_visible_in_snapshot(xid, (select deleted from roster_horizon))`)
  })
}
