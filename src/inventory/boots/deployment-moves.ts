import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { deployments } from '../../db/schema.ts'
import type { Tx } from '../../db/transaction.ts'
import { activeStates, type Move, maxArmedDays } from '../../model/deployment.ts'
import { type Actor, recordChanges, system } from '../changes/changes.ts'
import { type Deployment, shownDeployment } from './deployments.ts'

/** Writes a move, and records it. */
export async function writeMove(tx: Tx, { id }: { id: string }, move: Move, by: Actor): Promise<void> {
  const ended = !(activeStates as readonly string[]).includes(move.state)
  const [row] = await tx
    .update(deployments)
    .set({
      state: move.state,
      attempts: move.attempts,
      startedAt: sql`coalesce(${deployments.startedAt}, now())`,
      ...(ended && { endedAt: sql`now()`, reason: move.reason ?? null }),
    })
    .where(eq(deployments.id, id))
    .returning()
  if (row !== undefined)
    await recordChanges(tx, [{ actor: by, type: `deployment.${row.state}`, subject: id, after: shownDeployment(row) }])
}

/**
 * Cancels the active deployment of an image that its machine reported as installed by a boot of another kind: a person took it from a
 * menu. To install it again would wipe that. A boot of an uncertain machine cancels nothing.
 */
export async function cancelInstalled(tx: Tx, bootId: string, by: Actor): Promise<void> {
  const [row] = await tx
    .update(deployments)
    .set({
      state: 'cancelled',
      reason: sql`'a boot without it reported that ' || ${deployments.image} || ' is installed'`,
      endedAt: sql`now()`,
    })
    .where(
      and(
        inArray(deployments.state, activeStates),
        sql`exists (select 1 from boots where boots.id = ${bootId} and boots.machine_id = ${deployments.machineId}
          and boots.image = ${deployments.image}
          and boots.started_at >= ${deployments.createdAt} and (boots.decision #>> '{identity,weak}') is null)`,
      ),
    )
    .returning()
  if (row !== undefined)
    await recordChanges(tx, [{ actor: by, type: 'deployment.cancelled', subject: row.id, after: shownDeployment(row) }])
}

/** Fails the deployments whose time is over. */
export async function failLateDeployments(db: Db): Promise<void> {
  const rows = await db
    .select()
    .from(deployments)
    .where(
      and(
        inArray(deployments.state, activeStates),
        sql`coalesce(${deployments.startedAt} + ${deployments.windowSeconds} * interval '1 second',
          ${deployments.createdAt} + ${maxArmedDays} * interval '1 day') < now()`,
      ),
    )
    .limit(1000)
  for (const row of rows) {
    await db.transaction(async (tx) => {
      const locked = await lockActive(tx, row.id)
      if (locked === undefined || (row.startedAt === null && locked.startedAt !== null)) return
      const reason =
        row.startedAt === null
          ? `it was armed more than ${maxArmedDays} days ago, and no boot began it`
          : `its time is over: no report of the end within ${row.windowSeconds} s of the first attempt`
      await writeMove(tx, row, { state: 'failed', attempts: locked.attempts, reason }, system)
    })
  }
}

/** A deployment that is still active, locked until the transaction ends. */
export async function lockActive(tx: Tx, id: string): Promise<Deployment | undefined> {
  const rows = await tx.select().from(deployments).where(eq(deployments.id, id)).for('update')
  const [row] = rows
  return row !== undefined && (activeStates as readonly string[]).includes(row.state) ? row : undefined
}
