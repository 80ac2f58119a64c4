// What became of the machines of a rollout: read from their deployments and boots.

import { type SQL, sql } from 'drizzle-orm'
import { rowsOf } from '../../../db/rows.ts'
import type { Tx } from '../../../db/transaction.ts'
import { maxArmedSeconds, type RolloutMachineState } from '../../../model/rollout/rollout.ts'
import type { Rollout } from './rollouts.ts'

/** The machines whose state changed, by their new state. */
export type Observed = Partial<Record<RolloutMachineState, number>>

/**
 * Updates the states of the machines that were armed or assigned. A machine that failed may still succeed. A machine that does not
 * end within the patience of the rollout counts as failed.
 */
export async function observeMachines(tx: Tx, rollout: Rollout): Promise<Observed> {
  const seen = rollout.action === 'deploy' ? seenOfDeployments(rollout) : seenOfBoots(rollout)
  const found = await tx.execute(sql`
    with changed as (
      update rollout_machines as m set state = seen.state, reason = seen.reason,
        started_at = case when seen.state = 'armed' then null else coalesce(seen.began, m.started_at) end,
        ended_at = case when seen.state in ('succeeded', 'failed', 'skipped') then now() end
      from (${seen}) as seen
      where m.rollout_id = ${rollout.id}::uuid and m.machine_id = seen.machine_id and seen.state <> m.state
        and (m.state <> 'failed' or seen.state = 'succeeded')
      returning m.state)
    select state, count(*)::int as count from changed group by state`)
  const rows = rowsOf<{ state: RolloutMachineState; count: number }>(found)
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}

const open = sql`m.state in ('armed', 'running', 'failed')`

/**
 * Of each machine: its state, since when, and why, by its deployment. A machine that has its script began: it loads its kernel, which
 * may take minutes, before it reports.
 */
function seenOfDeployments({ id, patienceSeconds }: Rollout): SQL {
  const began = sql`coalesce(d.started_at, b.started_at)`
  return sql`
    select m.machine_id, ${began} as began,
      case when d.state = 'installed' then 'succeeded' when d.state = 'failed' then 'failed' when d.state = 'cancelled' then 'skipped'
        when ${began} is null then 'armed' when ${isLate(began, patienceSeconds)} then 'failed' else 'running' end as state,
      case when d.state in ('failed', 'cancelled') then d.reason
        when d.state <> 'installed' and ${isLate(began, patienceSeconds)} then ${tooLate(patienceSeconds)} end as reason
    from rollout_machines m join deployments d on d.id = m.deployment_id
    left join lateral (select min(boots.started_at) as started_at from boots
      where d.state = 'armed' and boots.machine_id = d.machine_id and boots.deployment_id = d.id and boots.outcome is null) as b on true
    where m.rollout_id = ${id}::uuid and ${open}`
}

/** The same by the newest boot of the image since the machine was assigned, or a refusal. */
function seenOfBoots({ id, image, version, patienceSeconds }: Rollout): SQL {
  const began = sql`coalesce(m.started_at, b.started_at)`
  const neverCame = sql`b.started_at is null and m.acted_at < now() - ${maxArmedSeconds} * interval '1 second'`
  return sql`
    select m.machine_id, ${began} as began,
      case when ${neverCame} then 'failed' when b.started_at is null then 'armed'
        when b.outcome in ('booted', 'installed', 'handed-over') then 'succeeded' when b.outcome = 'failed' then 'failed'
        when ${isLate(began, patienceSeconds)} then 'failed' else 'running' end as state,
      case when ${neverCame} then ${`did not boot within ${maxArmedSeconds / 86_400} days`}::text
        when b.outcome = 'failed' then coalesce(b.message, 'the boot failed')
        when b.outcome in ('booted', 'installed', 'handed-over') or b.started_at is null then null
        when ${isLate(began, patienceSeconds)} then coalesce(b.message, ${tooLate(patienceSeconds)}) end as reason
    from rollout_machines m
    left join lateral (select started_at, outcome, message from boots
      where boots.machine_id = m.machine_id and boots.deployment_id is null and boots.started_at >= m.acted_at
        and ((boots.image = ${image} and boots.version = ${version}) or (boots.image is null and boots.outcome = 'failed'))
        and boots.outcome is distinct from 'superseded'
      order by boots.seq desc limit 1) as b on true
    where m.rollout_id = ${id}::uuid and ${open}`
}

function isLate(began: SQL, patienceSeconds: number): SQL {
  return sql`${began} < now() - ${patienceSeconds} * interval '1 second'`
}

function tooLate(patienceSeconds: number): SQL {
  return sql`${`the machine began, but did not end within ${patienceSeconds} s`}::text`
}
