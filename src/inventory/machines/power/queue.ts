// The queue of power: which requests a server may begin, and how they ended.

import { and, asc, eq, inArray, lt, sql } from 'drizzle-orm'
import { isActiveSql } from '../../../db/deployment-conditions.ts'
import type { Db } from '../../../db/open.ts'
import { deployments } from '../../../db/schema/boots.ts'
import { powerRequests } from '../../../db/schema/power.ts'
import type { Tx } from '../../../db/transaction.ts'
import { maxPowerWaitMinutes } from '../../../model/power/power.ts'
import { recordChanges, system } from '../../changes/changes.ts'
import { lockName } from '../../common/lock.ts'
import { changeOf, endRequests, type PowerEnd, type PowerRequest } from './requests.ts'

/** Seconds in which a server must end a request that it began. Every action is shorter. */
export const powerLeaseSeconds = 600

/**
 * Claims requests that wait, the oldest first, so that at most `atOnce` run on all servers together. Requests that waited
 * too long fail, and so do those of a server that ended. Bootwright repeats neither, because the machine may have changed meanwhile.
 */
export async function claimPowerRequests(db: Db, atOnce: number): Promise<PowerRequest[]> {
  return db.transaction(async (tx) => {
    // One server counts and claims at a time.
    await lockName(tx, 'power', 'queue')
    await failLost(tx)
    const running = await tx.$count(powerRequests, eq(powerRequests.state, 'running'))
    if (running >= atOnce) return []
    const next = await tx
      .select({ id: powerRequests.id })
      .from(powerRequests)
      .where(eq(powerRequests.state, 'waiting'))
      .orderBy(asc(powerRequests.seq))
      .limit(atOnce - running)
    if (next.length === 0) return []
    const ids = next.map(({ id }) => id)
    return tx
      .update(powerRequests)
      .set({
        state: 'running',
        startedAt: sql`now()`,
        leaseUntil: sql`now() + ${powerLeaseSeconds} * interval '1 second'`,
      })
      .where(and(inArray(powerRequests.id, ids), eq(powerRequests.state, 'waiting')))
      .returning()
  })
}

/** Records how a request ended. It may have ended before: then nothing changes. */
export async function endPowerRequest(db: Db, { id }: PowerRequest, end: PowerEnd): Promise<void> {
  await db.transaction((tx) => endAndRecord(tx, eq(powerRequests.id, id), end))
}

/** Whether the deployment of a request still waits for its machine; true without a deployment. */
export async function mayBegin(db: Db, { deploymentId }: PowerRequest): Promise<boolean> {
  if (deploymentId === null) return true
  const rows = await db
    .select({ state: deployments.state })
    .from(deployments)
    .where(and(eq(deployments.id, deploymentId), isActiveSql(deployments.state)))
  return rows[0]?.state === 'armed'
}

/** Deletes requests that ended `days` ago. */
export async function prunePowerRequests(db: Db, days: number): Promise<void> {
  await db.delete(powerRequests).where(lt(powerRequests.endedAt, sql`now() - ${days} * interval '1 day'`))
}

async function failLost(tx: Tx): Promise<void> {
  const late = sql`${powerRequests.createdAt} < now() - ${maxPowerWaitMinutes} * interval '1 minute'`
  await endAndRecord(tx, and(eq(powerRequests.state, 'waiting'), late), {
    state: 'failed',
    message: `not begun within ${maxPowerWaitMinutes} minutes`,
  })
  const lost = and(eq(powerRequests.state, 'running'), lt(powerRequests.leaseUntil, sql`now()`))
  await endAndRecord(tx, lost, {
    state: 'failed',
    message: 'the server ended during the action: look at the power of the machine',
  })
}

async function endAndRecord(tx: Tx, which: Parameters<typeof endRequests>[1], end: PowerEnd): Promise<void> {
  const ended = await endRequests(tx, which, end)
  await recordChanges(
    tx,
    ended.map((request) => changeOf(request, `power.${end.state}`, system)),
  )
}
