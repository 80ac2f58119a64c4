// Cancels several deployments, and deletes a machine with its own.

import { and, eq, sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { deployments } from '../../db/schema/boots.ts'
import { ConflictError } from '../../lib/errors.ts'
import { type MachineKey, nameOf } from '../../model/machine.ts'
import type { Condition } from '../../model/selector.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import type { Precondition } from '../common/precondition.ts'
import { findAllMachines } from '../machines/list.ts'
import { deleteMachine, lockMachine } from '../machines/machines.ts'
import { namesOfMachines } from '../machines/names.ts'
import { cancelActive, listDeployments, shownDeployment } from './deployments.ts'

/** Cancels every active deployment of a batch, or of the machines that a selector matches now. */
export async function cancelDeployments(
  db: Db,
  which: { batch: string } | { selector: Condition[] },
  dryRun: boolean,
  by: Actor,
): Promise<{ id: string; machineId: string; machine: string }[]> {
  const selected = 'selector' in which ? await findAllMachines(db, { selector: which.selector }) : []
  const machineIds = JSON.stringify(selected.map(({ id }) => id))
  const chosen = and(
    isActiveSql(deployments.state),
    'batch' in which
      ? eq(deployments.batch, which.batch)
      : sql`${deployments.machineId} in (select jsonb_array_elements_text(${machineIds}::jsonb)::uuid)`,
  )
  return db.transaction(async (tx) => {
    const reason = 'an operator cancelled several deployments'
    const rows = dryRun
      ? await tx.select().from(deployments).where(chosen).orderBy(deployments.seq)
      : await tx.update(deployments).set({ state: 'cancelled', reason, endedAt: sql`now()` }).where(chosen).returning()
    if (!dryRun)
      await recordChanges(
        tx,
        rows.map((row) => ({ actor: by, type: 'deployment.cancelled', subject: row.id, after: shownDeployment(row) })),
      )
    const names = await namesOfMachines(
      tx,
      rows.map(({ machineId }) => machineId),
    )
    return rows.map(({ id, machineId }) => ({ id, machineId, machine: names.get(machineId) ?? machineId }))
  })
}

/**
 * Deletes a machine and its deployments. @param cancels whether an active deployment may be cancelled for that
 * @throws ConflictError that names the active one, when it may not; what deleteMachine throws
 */
export async function deleteDeployedMachine(
  db: Db,
  key: MachineKey,
  cancels: boolean,
  precondition: Precondition,
  by: Actor,
): Promise<void> {
  await db.transaction(async (tx) => {
    const machine = await lockMachine(tx, key)
    const [active] =
      machine === undefined ? [] : await listDeployments(tx, { machineId: machine.id, state: 'active' }, 1)
    if (machine !== undefined && active !== undefined && !cancels)
      throw new ConflictError(
        `machine ${nameOf(machine)} has an active deployment: ${active.id} of ${active.image} (${active.state}). To cancel the deployment and delete the machine: bootwright machine delete ${nameOf(machine)} --yes (in the API: ?cancelDeployment=true)`,
      )
    if (active !== undefined) await cancelActive(tx, active.machineId, 'the machine was deleted', by)
    await deleteMachine(tx, key, precondition, by)
  })
}
