import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { deployments } from '../../db/schema.ts'
import { type Actor, recordChanges, system } from '../changes/changes.ts'
import { activeStates, type Deployment, type DeploymentState, maxArmedDays, shownDeployment } from './deployments.ts'

/** What was seen of a boot, as its deployment takes it. */
export type Seen = 'ready' | 'answer-file' | 'installing' | 'progress' | 'installed' | 'booted' | 'failed'

/** A boot, as its deployment sees it. */
export type DeploymentBoot = {
  /** It was counted as an attempt already. */
  progressed: boolean
  /** No newer boot of the machine has gone past its script: what this one reports is about what is on the machine. */
  newest: boolean
}

export type Move = { state: DeploymentState; attempts: number; reason?: string }

/**
 * Where a deployment goes with what was seen of one of its boots; undefined: nowhere. Pure, and the whole truth of it:
 * - fetching a script is not among what is seen, so it never moves anything;
 * - the first thing seen of a boot counts as an attempt, however the machine came to boot again;
 * - an ended deployment stays as it ended, and a boot that a newer one overtook has no say: late, repeated and replayed
 *   reports change nothing;
 * - iPXE that fails before it jumps reports `failed` without ever being ready: nothing was started, so nothing has failed.
 */
export function moveDeployment(
  deployment: { state: DeploymentState; attempts: number; maxAttempts: number },
  boot: DeploymentBoot,
  seen: Seen,
  message?: string,
): Move | undefined {
  const { state } = deployment
  if (!boot.newest || !(activeStates as readonly string[]).includes(state)) return undefined
  if (seen === 'failed' && !boot.progressed) return undefined
  // Scripts that were fetched before the last attempt began are still good: they are no further attempts.
  const attempts = Math.min(deployment.attempts + (boot.progressed ? 0 : 1), deployment.maxAttempts)
  if (seen === 'installed' || seen === 'failed') return { state: seen, attempts, ...(message && { reason: message }) }
  const byInstaller = seen === 'installing' || seen === 'progress'
  const further = byInstaller || state === 'installing' ? 'installing' : 'started'
  // A new attempt begins before the installer says so.
  const next = !boot.progressed && !byInstaller ? 'started' : further
  return next === state && attempts === deployment.attempts ? undefined : { state: next, attempts }
}

/** Writes a move, and records it. */
export async function writeMove(db: Db, { id }: { id: string }, move: Move, by: Actor): Promise<void> {
  const ended = !(activeStates as readonly string[]).includes(move.state)
  const [row] = await db
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
    await recordChanges(db, [{ actor: by, type: `deployment.${row.state}`, subject: id, after: shownDeployment(row) }])
}

/**
 * Cancels the active deployment of an image that its machine reported as installed by a boot of another kind: a person took it from a
 * menu. To install it again would wipe that. A boot of an uncertain machine cancels nothing.
 */
export async function cancelInstalled(db: Db, bootId: string, by: Actor): Promise<void> {
  const [row] = await db
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
    await recordChanges(db, [{ actor: by, type: 'deployment.cancelled', subject: row.id, after: shownDeployment(row) }])
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
    await db.transaction(async (transaction) => {
      const tx = transaction as unknown as Db
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
export async function lockActive(tx: Db, id: string): Promise<Deployment | undefined> {
  const rows = await tx.select().from(deployments).where(eq(deployments.id, id)).for('update')
  const [row] = rows
  return row !== undefined && (activeStates as readonly string[]).includes(row.state) ? row : undefined
}
