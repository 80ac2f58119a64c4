// A machine that was taken back, but had begun.

import { and, eq, sql } from 'drizzle-orm'
import { isActiveSql } from '../../../db/deployment-conditions.ts'
import { rowsOf } from '../../../db/rows.ts'
import { deployments } from '../../../db/schema/boots.ts'
import type { Tx } from '../../../db/transaction.ts'
import { recordChanges, system } from '../../changes/changes.ts'
import { shownDeployment } from '../deployments.ts'
import { cancelThose } from './cancel.ts'

/**
 * A rollout may take back a machine that already has its script: the record of the boot was late. If that boot reports, its
 * deployment is armed again, and a newer one of the same rollout is cancelled: otherwise the machine would be installed twice.
 * The deployment must be locked. False if no rollout took it back, or the machine began otherwise since.
 */
export async function takeUpWithdrawn(tx: Tx, deploymentId: string): Promise<boolean> {
  const found = await tx.execute(sql`
    select m.rollout_id::text as rollout, m.machine_id::text as machine, m.deployment_id::text as newer
    from deployments d join rollout_machines m on m.rollout_id = d.batch and m.machine_id = d.machine_id
    where d.id = ${deploymentId}::uuid and d.state = 'cancelled' and m.state in ('waiting', 'armed')`)
  const [row] = rowsOf<{ rollout: string; machine: string; newer: string | null }>(found)
  if (row === undefined) return false
  const { rollout, machine, newer } = row
  const why = 'the machine began with an earlier deployment of the rollout'
  if (newer !== null) await cancelThose(tx, [newer], why, system, ['armed'])
  const active = await tx
    .select({ id: deployments.id })
    .from(deployments)
    .where(and(eq(deployments.machineId, machine), isActiveSql(deployments.state)))
  if (active.length > 0) return false
  await tx.execute(sql`
    update rollout_machines set state = 'armed', deployment_id = ${deploymentId}::uuid, reason = null, acted_at = coalesce(acted_at, now())
    where rollout_id = ${rollout}::uuid and machine_id = ${machine}::uuid`)
  const armed = await tx
    .update(deployments)
    .set({ state: 'armed', reason: null, endedAt: null })
    .where(eq(deployments.id, deploymentId))
    .returning()
  await recordChanges(
    tx,
    armed.map((after) => ({
      actor: system,
      type: 'deployment.armed' as const,
      subject: after.id,
      after: shownDeployment(after),
    })),
  )
  return true
}
