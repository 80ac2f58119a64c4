// Requests for the power of machines: recorded, listed and cancelled. queue.ts gives them to servers.

import { and, desc, eq, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { powerRequests } from '../../../db/schema/power.ts'
import type { Tx } from '../../../db/transaction.ts'
import { newId } from '../../../lib/ids/uuid.ts'
import type { PowerOrder, PowerState } from '../../../model/power/power.ts'
import { type Actor, type Change, recordChanges } from '../../changes/changes.ts'
import { placeOf } from '../../common/place.ts'
import { isOfMachineWith } from '../list.ts'

/** One action on the power of one machine: who asked for it, and what came of it. */
export type PowerRequest = typeof powerRequests.$inferSelect

export type PowerTarget = { machineId: string; deploymentId?: string | undefined }

export const isOpenRequest = isNull(powerRequests.endedAt)

/**
 * Records a request for each machine. A machine that has an open request gets none: `busy` has its id.
 * @param batch of several machines
 */
export async function addPowerRequests(
  tx: Tx,
  targets: PowerTarget[],
  order: PowerOrder,
  by: Actor,
  batch?: string,
): Promise<{ added: PowerRequest[]; busy: string[] }> {
  const added: PowerRequest[] = []
  for (let at = 0; at < targets.length; at += 1000) {
    const values = targets.slice(at, at + 1000).map(({ machineId, deploymentId = null }) => ({
      ...{ id: newId(), machineId, deploymentId, batch: batch ?? null, askedBy: by },
      ...{ action: order.action, network: order.network, force: order.force },
    }))
    added.push(...(await tx.insert(powerRequests).values(values).onConflictDoNothing().returning()))
  }
  await recordChanges(
    tx,
    added.map((request) => changeOf(request, 'power.requested', by)),
  )
  const done = new Set(added.map(({ machineId }) => machineId))
  return { added, busy: targets.map(({ machineId }) => machineId).filter((id) => !done.has(id)) }
}

export async function findPowerRequest(db: Db, id: string): Promise<PowerRequest | undefined> {
  const rows = await db.select().from(powerRequests).where(eq(powerRequests.id, id))
  return rows[0]
}

/** The newest request of each deployment, by its id. */
export async function powerOfDeployments(db: Db, ids: string[]): Promise<ReadonlyMap<string, PowerRequest>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .select()
    .from(powerRequests)
    .where(inArray(powerRequests.deploymentId, ids))
    .orderBy(powerRequests.seq)
  return new Map(rows.map((row) => [row.deploymentId ?? '', row]))
}

/** Requests, newest first, those before the id `before`. */
export async function listPowerRequests(
  db: Db,
  filter: {
    machineId?: string | undefined
    batch?: string | undefined
    state?: PowerState | undefined
    scope?: Record<string, string> | undefined
  },
  limit: number,
  before?: string,
): Promise<PowerRequest[]> {
  const { machineId, batch, state, scope } = filter
  const place = before === undefined ? undefined : await placeOf(db, powerRequests, before)
  const conditions = and(
    machineId === undefined ? undefined : eq(powerRequests.machineId, machineId),
    batch === undefined ? undefined : eq(powerRequests.batch, batch),
    state === undefined ? undefined : eq(powerRequests.state, state),
    scope === undefined ? undefined : isOfMachineWith(powerRequests.machineId, scope),
    place === undefined ? undefined : lt(powerRequests.seq, place),
  )
  return db.select().from(powerRequests).where(conditions).orderBy(desc(powerRequests.seq)).limit(limit)
}

/** Cancels the requests of a batch, or one request, that no server has begun. Returns them. */
export async function cancelPowerRequests(
  db: Db,
  which: { batch: string } | { id: string },
  scope: Record<string, string> | undefined,
  by: Actor,
): Promise<PowerRequest[]> {
  const chosen = 'id' in which ? eq(powerRequests.id, which.id) : eq(powerRequests.batch, which.batch)
  const inScope = scope === undefined ? undefined : isOfMachineWith(powerRequests.machineId, scope)
  return db.transaction(async (tx) => {
    const end = { state: 'cancelled' as const, message: 'an operator cancelled the request' }
    const cancelled = await endRequests(tx, and(eq(powerRequests.state, 'waiting'), chosen, inScope), end)
    await recordChanges(
      tx,
      cancelled.map((request) => changeOf(request, 'power.cancelled', by)),
    )
    return cancelled
  })
}

/** Cancels the requests of deployments that no server has begun: the deployments ended before. */
export async function cancelPowerOf(tx: Tx, deploymentIds: string[], message: string, by: Actor): Promise<void> {
  if (deploymentIds.length === 0) return
  const chosen = sql`${powerRequests.deploymentId} in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(deploymentIds)}::jsonb))`
  const cancelled = await endRequests(tx, and(eq(powerRequests.state, 'waiting'), chosen), {
    state: 'cancelled',
    message,
  })
  await recordChanges(
    tx,
    cancelled.map((request) => changeOf(request, 'power.cancelled', by)),
  )
}

/** How a request ended. */
export type PowerEnd = Pick<PowerRequest, 'message'> &
  Partial<Pick<PowerRequest, 'power'>> & { state: 'done' | 'failed' | 'cancelled' }

/** Ends the open requests that meet a condition, and returns them. */
export async function endRequests(tx: Tx, which: SQL | undefined, end: PowerEnd): Promise<PowerRequest[]> {
  return tx
    .update(powerRequests)
    .set({ ...end, leaseUntil: null, endedAt: sql`now()` })
    .where(and(isOpenRequest, which))
    .returning()
}

/** A request as the audit log keeps it. */
export function changeOf(request: PowerRequest, type: Change['type'], by: Actor): Change {
  const { id, machineId, deploymentId, batch, action, network, force, state, power, message, askedBy } = request
  const present = Object.entries({ deploymentId, batch, power, message }).filter(([, value]) => value !== null)
  const after = {
    ...{ machineId, action, state, askedBy },
    ...(network && { network }),
    ...(force && { force }),
    ...Object.fromEntries(present),
  }
  return { actor: by, type, subject: id, after }
}
