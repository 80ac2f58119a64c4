// What the metrics count in the database.
import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { inTime } from '../../lib/time/in-time.ts'
import { countUnacknowledgedServers } from './foreign-servers.ts'

type Count<Name extends string> = { [N in Name]: string } & { count: number }

/** The numbers of things by their state. */
export type Counts = {
  /** `denied` first, then `discovered` or `entered`. */
  machines: Count<'state'>[]
  deployments: Count<'state'>[]
  /** Rollouts that have not ended. */
  rollouts: Count<'state'>[]
  openBoots: Count<'stage'>[]
  /** Among the newest 10,000 boots. */
  stalledBoots: number
  /** Unacknowledged. */
  foreignServers: Count<'role'>[]
  damagedFiles: number
}

/** Two Prometheus servers that scrape every 15 s cost the database no more than one. */
const keptMs = 15_000
/** Prometheus gives up a scrape after 10 s by default. */
const timeoutMs = 5000

/**
 * Creates a function that counts. Results are kept for 15 seconds, and calls at the same time share a query. The result is
 * undefined if the database takes more than five seconds.
 */
export function createFindCounts(db: Db): () => Promise<Counts | undefined> {
  let at = Number.NEGATIVE_INFINITY
  let counting: Promise<Counts> | undefined
  return () => {
    if (counting === undefined || performance.now() - at > keptMs) {
      at = performance.now()
      counting = findCounts(db)
      counting.catch(() => {
        counting = undefined
      })
    }
    return inTime(counting, timeoutMs)
  }
}

async function findCounts(db: Db): Promise<Counts> {
  const machines = sql`
    select case when denied then 'denied' when discovered then 'discovered' else 'entered' end as state, count(*)::int as count
    from machines group by 1`
  const deployments = sql`select state, count(*)::int as count from deployments group by 1`
  const rollouts = sql`
    select state, count(*)::int as count from rollouts where state in ('running', 'paused', 'stopped') group by 1`
  const openBoots = sql`select stage, count(*)::int as count from boots where outcome is null group by 1`
  const others = sql`
    select (select count(*)::int from (select outcome from boots order by seq desc limit 10000) as newest where outcome = 'stalled')
        as "stalledBoots",
      (select count(*)::int from files where damage is not null) as "damagedFiles"`
  const [found] = rowsOf<{ stalledBoots: number; damagedFiles: number }>(await db.execute(others))
  return {
    machines: rowsOf(await db.execute(machines)),
    deployments: rowsOf(await db.execute(deployments)),
    rollouts: rowsOf(await db.execute(rollouts)),
    openBoots: rowsOf(await db.execute(openBoots)),
    foreignServers: await countUnacknowledgedServers(db),
    stalledBoots: found?.stalledBoots ?? 0,
    damagedFiles: found?.damagedFiles ?? 0,
  }
}

/** Counts the files that are not served because they are corrupted. */
export async function countCorruptedFiles(db: Db): Promise<number> {
  const found = await db.execute(sql`select count(*)::int as count from files where damage is not null`)
  return rowsOf<{ count: number }>(found)[0]?.count ?? 0
}
