// Cancels deployments of rollouts.

import { and, inArray, sql } from 'drizzle-orm'
import { deployments } from '../../../db/schema/boots.ts'
import type { Tx } from '../../../db/transaction.ts'
import { activeStates, type DeploymentState } from '../../../model/deployment.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { shownDeployment } from '../deployments.ts'

/** Cancels those of these deployments that are in one of the states. Returns their ids. */
export async function cancelThose(
  tx: Tx,
  ids: string[],
  reason: string,
  by: Actor,
  states: readonly DeploymentState[] = activeStates,
): Promise<string[]> {
  if (ids.length === 0) return []
  const chosen = sql`${deployments.id} in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`
  const rows = await tx
    .update(deployments)
    .set({ state: 'cancelled', reason, endedAt: sql`now()` })
    .where(and(chosen, inArray(deployments.state, [...states])))
    .returning()
  await recordChanges(
    tx,
    rows.map((row) => ({ actor: by, type: 'deployment.cancelled', subject: row.id, after: shownDeployment(row) })),
  )
  return rows.map(({ id }) => id)
}
