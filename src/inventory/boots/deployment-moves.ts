// Writes the moves of deployments.

import { and, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import { isActiveSql, isLateSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { deployments } from '../../db/schema/boots.ts'
import type { Tx } from '../../db/transaction.ts'
import { isActive, type Move, moveDeployment } from '../../model/deployment.ts'
import { type Actor, recordChanges, system } from '../changes/changes.ts'
import { type Deployment, shownDeployment } from './deployments.ts'

/** Writes a move, and records it. Returns the deployment after it. @param at the time of the report that moved it */
export async function writeMove(
  tx: Tx,
  { id }: { id: string },
  move: Move,
  by: Actor,
  at: SQL = sql`now()`,
): Promise<MovedDeployment | undefined> {
  const ended = !isActive(move.state)
  const [row] = await tx
    .update(deployments)
    .set({
      state: move.state,
      attempts: move.attempts,
      startedAt: sql`coalesce(${deployments.startedAt}, ${at})`,
      ...(ended && { endedAt: at, reason: move.reason ?? null }),
    })
    .where(eq(deployments.id, id))
    .returning()
  if (row !== undefined)
    await recordChanges(tx, [{ actor: by, type: `deployment.${row.state}`, subject: id, after: shownDeployment(row) }])
  return row
}

/** A deployment that moved, as far as the log and the metrics name it. */
export type MovedDeployment = Pick<Deployment, 'id' | 'machineId' | 'image' | 'state' | 'attempts' | 'reason'>

/**
 * Cancels the active deployment of an image that its machine installed by another boot, from a menu for example. Another
 * installation would wipe the machine. A boot of an uncertain machine cancels nothing.
 */
export async function cancelInstalled(tx: Tx, bootId: string, by: Actor): Promise<MovedDeployment | undefined> {
  const [row] = await tx
    .update(deployments)
    .set({
      state: 'cancelled',
      reason: sql`'a boot without it reported that ' || ${deployments.image} || ' is installed'`,
      endedAt: sql`now()`,
    })
    .where(
      and(
        isActiveSql(deployments.state),
        sql`exists (select 1 from boots where boots.id = ${bootId} and boots.machine_id = ${deployments.machineId}
          and boots.image = ${deployments.image}
          and boots.started_at >= ${deployments.createdAt} and (boots.decision #>> '{identity,weak}') is null)`,
      ),
    )
    .returning()
  if (row !== undefined)
    await recordChanges(tx, [{ actor: by, type: 'deployment.cancelled', subject: row.id, after: shownDeployment(row) }])
  return row
}

/** Fails the deployments that are late, and returns them. */
export async function failLateDeployments(db: Db): Promise<MovedDeployment[]> {
  const failed: MovedDeployment[] = []
  const rows = await db
    .select({ id: deployments.id })
    .from(deployments)
    .where(and(isActiveSql(deployments.state), isLateSql(deployments)))
    .limit(1000)
  for (const row of rows) {
    const moved = await db.transaction(async (tx) => {
      const deployment = await lockActive(tx, row.id)
      const move = deployment && moveDeployment(deployment, { by: 'time' })
      return move && writeMove(tx, row, move, system)
    })
    if (moved !== undefined) failed.push(moved)
  }
  return failed
}

/** A deployment that is still active, locked until the transaction ends. `late`: its time was over at that time. */
export async function lockActive(
  tx: Tx,
  id: string,
  at: SQL = sql`now()`,
): Promise<(Deployment & { late: boolean }) | undefined> {
  const [row] = await tx
    .select({ ...getTableColumns(deployments), late: isLateSql(deployments, at) })
    .from(deployments)
    .where(eq(deployments.id, id))
    .for('update')
  return row !== undefined && isActive(row.state) ? row : undefined
}
