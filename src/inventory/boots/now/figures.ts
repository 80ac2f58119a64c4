// Figures of the last hours and days: outcomes, boot times and running deployments.
import { sql } from 'drizzle-orm'
import { isActiveSql } from '../../../db/deployment-conditions.ts'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { deployments } from '../../../db/schema/boots.ts'
import type { Outcome } from '../../../model/boot.ts'
import { type DeploymentState, deploymentStates } from '../../../model/deployment.ts'

/** Boots by their outcome. `local`: handed over without an image, which is most often the local disk. */
export type OutcomeCounts = Record<Outcome | 'local' | 'open', number>

/** The outcomes of the boots that started since a time. */
export async function countOutcomes(db: Db, since: Date): Promise<OutcomeCounts> {
  const found = await db.execute(sql`
    select coalesce(outcome, 'open') as outcome, image is null as bare, count(*)::int as count from boots
    where started_at >= ${since.toISOString()}::timestamptz group by 1, 2`)
  const counts: OutcomeCounts = {
    ...{ booted: 0, installed: 0, failed: 0, 'handed-over': 0, local: 0, stalled: 0, superseded: 0, open: 0 },
  }
  for (const { outcome, bare, count } of rowsOf<{ outcome: Outcome | 'open'; bare: boolean; count: number }>(found))
    counts[outcome === 'handed-over' && bare ? 'local' : outcome] += count
  return counts
}

/** The time from the script to the report of success. */
export type BootTime = {
  image: string
  outcome: 'booted' | 'installed'
  boots: number
  medianSeconds: number
  p95Seconds: number
}

export const bootTimeDays = 7
/** The newest boots tell enough, and an inventory may have a million. */
export const maxTimedBoots = 5000

/** The boot times of the images that booted most. */
export async function findBootTimes(db: Db): Promise<BootTime[]> {
  const found = await db.execute(sql`
    select image, outcome, count(*)::int as boots,
      percentile_cont(0.5) within group (order by seconds)::float8 as "medianSeconds",
      percentile_cont(0.95) within group (order by seconds)::float8 as "p95Seconds"
    from (select image, outcome, extract(epoch from ended_at - started_at) as seconds from boots
      where started_at > now() - ${bootTimeDays} * interval '1 day' and outcome in ('booted', 'installed') and image is not null
        and ended_at is not null
      order by started_at desc limit ${maxTimedBoots}) as newest
    group by image, outcome order by boots desc, image, outcome limit 10`)
  return rowsOf<BootTime>(found).map(({ medianSeconds, p95Seconds, ...time }) => ({
    ...time,
    medianSeconds: tenths(medianSeconds),
    p95Seconds: tenths(p95Seconds),
  }))
}

/** Deployments that were armed together, by their states. Without `batch`: the deployments that were armed alone. */
export type RunningBatch = { batch?: string; image: string; counts: Record<DeploymentState, number> }

const maxBatches = 20

/** The newest batches with an active deployment, and the newest active deployments that were armed alone, by image. */
export async function listRunningBatches(db: Db): Promise<RunningBatch[]> {
  // One probe of the index for each batch, however many deployments a batch has.
  const found = await db.execute(sql`
    with recursive running as (
        (select batch, 1 as place from ${deployments} where batch is not null and ${isActiveSql(sql`state`)} order by batch desc limit 1)
        union all
        select (select batch from ${deployments} where batch < running.batch and ${isActiveSql(sql`state`)} order by batch desc limit 1),
          place + 1
        from running where batch is not null and place <= ${maxBatches}),
      alone as (
        select image, state, count(*)::int as count from (
          select image, state from ${deployments} where batch is null and ${isActiveSql(sql`state`)} order by seq desc limit 1000) as newest
        group by image, state)
    select running.batch, (select image from ${deployments} as d where d.batch = running.batch limit 1) as image,
      counted.state, counted.count, running.place
    from running cross join lateral (
      select state, count(*)::int as count from ${deployments} as d where d.batch = running.batch group by state) as counted
    union all
    select null, image, state, count, ${maxBatches + 2} from alone
    order by place, image`)
  const batches = new Map<string, RunningBatch>()
  type Row = { batch: string | null; image: string; state: DeploymentState; count: number }
  for (const { batch, image, state, count } of rowsOf<Row>(found)) {
    const key = batch ?? `alone ${image}`
    const counts = Object.fromEntries(deploymentStates.map((name) => [name, 0])) as RunningBatch['counts']
    const entry = batches.get(key) ?? { ...(batch !== null && { batch }), image, counts }
    entry.counts[state] = count
    batches.set(key, entry)
  }
  return [...batches.values()]
}

function tenths(seconds: number): number {
  return Math.round(seconds * 10) / 10
}
