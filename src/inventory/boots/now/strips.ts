// The last boots and the active deployments of several machines, for a strip of little bars beside each machine.
import { and, sql } from 'drizzle-orm'
import { isActiveSql } from '../../../db/deployment-conditions.ts'
import type { Db } from '../../../db/open.ts'
import { deployments } from '../../../db/schema/boots.ts'
import type { BootSummary } from '../../../model/boot.ts'
import type { DeploymentState } from '../../../model/deployment.ts'
import { listBootsWhere } from '../boots.ts'

/** A strip has this many bars. */
export const maxStripBoots = 10

/** The last boots of each machine, newest first, in one statement. A machine without boots is absent. */
export async function findStrips(db: Db, machineIds: string[]): Promise<Map<string, BootSummary[]>> {
  const found = await listBootsWhere(
    db,
    sql`boots.id in (
      select newest.id from jsonb_array_elements_text(${JSON.stringify(machineIds)}::jsonb) as machine(id)
      cross join lateral (select boot.id from boots as boot where boot.machine_id = machine.id::uuid
        order by boot.seq desc limit ${maxStripBoots}) as newest)`,
    machineIds.length * maxStripBoots,
  )
  const strips = new Map<string, BootSummary[]>()
  for (const boot of found) {
    const { machineId } = boot
    if (machineId !== null) strips.set(machineId, [...(strips.get(machineId) ?? []), boot])
  }
  return strips
}

/** A deployment that waits for its machine, or runs. */
export type RunningDeployment = { id: string; image: string; state: DeploymentState }

/** The active deployment of each machine. A machine without one is absent. */
export async function findRunningDeployments(db: Db, machineIds: string[]): Promise<Map<string, RunningDeployment>> {
  const { id, machineId, image, state } = deployments
  const given = sql`(select jsonb_array_elements_text(${JSON.stringify(machineIds)}::jsonb)::uuid)`
  const rows = await db
    .select({ id, machineId, image, state })
    .from(deployments)
    .where(and(isActiveSql(state), sql`${machineId} in ${given}`))
  return new Map(rows.map(({ machineId: machine, ...deployment }) => [machine, deployment]))
}
