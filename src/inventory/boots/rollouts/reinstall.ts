// Rolls back the machines of a rollout that installs.

import { sql } from 'drizzle-orm'
import { rowsOf } from '../../../db/rows.ts'
import type { Tx } from '../../../db/transaction.ts'
import { InputError } from '../../../lib/errors.ts'
import type { Actor } from '../../changes/changes.ts'
import { findMachines } from '../../machines/machines.ts'
import { armMachines, type Deployment } from '../deployments.ts'
import { cancelThose } from './cancel.ts'
import type { Rollout } from './rollouts.ts'

type Former = Pick<Deployment, 'image' | 'version' | 'assignment' | 'maxAttempts' | 'windowSeconds'>
type Row = { id: string; state: string; deploymentId: string; former: Former | null }

/**
 * Cancels the active deployments of a rollout. With `reinstall`, also arms each machine that began with the image and version that
 * was installed before the rollout. That wipes its disk at the next boot. `kept`: machines that began and stay as they are.
 */
export async function reinstallFormer(
  tx: Tx,
  { id }: Rollout,
  reinstall: boolean,
  by: Actor,
): Promise<{ restored: number; kept: number }> {
  const rows = rowsOf<Row>(
    await tx.execute(sql`
      select m.machine_id::text as id, m.state, m.deployment_id::text as "deploymentId", case when f.id is not null then
        jsonb_build_object('image', f.image, 'version', f.version, 'assignment', f.assignment, 'maxAttempts', f.max_attempts,
          'windowSeconds', f.window_seconds) end as former
      from rollout_machines m left join deployments f on f.id = m.former_deployment_id
      where m.rollout_id = ${id}::uuid and m.deployment_id is not null and m.state in ('armed', 'running', 'succeeded', 'failed')
      order by m.place`),
  )
  await cancelThose(
    tx,
    rows.map(({ deploymentId }) => deploymentId),
    'the rollout was rolled back',
    by,
  )
  const untouched = rows.filter(({ state }) => state === 'armed')
  await setRolledBack(
    tx,
    id,
    untouched.map((row) => row.id),
    null,
  )
  const began = rows.filter(({ state }) => state !== 'armed')
  const armed = reinstall ? await armFormer(tx, id, began, by) : 0
  return { restored: untouched.length + armed, kept: began.length - armed }
}

/** Arms machines with their former deployments. Returns their number. */
async function armFormer(tx: Tx, id: string, rows: Row[], by: Actor): Promise<number> {
  const byFormer = new Map<string, { former: Former; machineIds: string[] }>()
  for (const { id: machineId, former } of rows) {
    if (former === null) continue
    const key = JSON.stringify(former)
    const same = byFormer.get(key) ?? { former, machineIds: [] }
    same.machineIds.push(machineId)
    byFormer.set(key, same)
  }
  let count = 0
  for (const { former, machineIds } of byFormer.values()) {
    const { image, version, assignment, maxAttempts, windowSeconds } = former
    const which = version === null ? { follow: true } : { version }
    const order = { image, ...which, assignment, maxAttempts, windowSeconds }
    const machines = await findMachines(tx, machineIds)
    const done = await armMachines(tx, machines, order, { dryRun: false }, by).catch((error: unknown) => {
      // The former image or version may be deleted. These machines stay as they are.
      if (error instanceof InputError) return undefined
      throw error
    })
    const ids = (done?.armed ?? []).map(({ machineId }) => machineId)
    await setRolledBack(tx, id, ids, `armed with ${image}${version === null ? '' : `@${version}`}`)
    count += ids.length
  }
  return count
}

async function setRolledBack(tx: Tx, id: string, machineIds: string[], reason: string | null): Promise<void> {
  await tx.execute(sql`
    update rollout_machines set state = 'rolled-back', reason = ${reason}, ended_at = now() where rollout_id = ${id}::uuid
      and machine_id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(machineIds)}::jsonb))`)
}
