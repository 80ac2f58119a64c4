// Rollouts: found, listed, counted.

import { and, asc, desc, eq, getTableColumns, gt, inArray, lt, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { rolloutMachines, rollouts } from '../../../db/schema/rollouts.ts'
import type { Tx } from '../../../db/transaction.ts'
import { requireFound } from '../../../lib/errors.ts'
import type { Scope } from '../../../model/access/scope.ts'
import { noCounts, type WaveCounts } from '../../../model/rollout/next-step.ts'
import {
  openRolloutStates,
  type RolloutMachineState,
  type RolloutOrder,
  type RolloutState,
} from '../../../model/rollout/rollout.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { placeOf } from '../../common/place.ts'
import { nameOfId } from '../../machines/names.ts'

/** A rollout as it is stored. */
export type Rollout = typeof rollouts.$inferSelect

/** A machine of a rollout. */
export type RolloutMachine = Omit<typeof rolloutMachines.$inferSelect, 'former' | 'given'> & { machine: string }

/** @param scope undefined also for a rollout of which some machines do not have these labels */
export async function findRollout(db: Db, id: string, scope?: Scope): Promise<Rollout | undefined> {
  const rows = await db
    .select()
    .from(rollouts)
    .where(and(eq(rollouts.id, id), isOfScope(scope)))
  return rows[0]
}

/** The rollout, locked until the transaction ends. @throws NotFoundError */
export async function lockRollout(tx: Tx, id: string): Promise<Rollout> {
  const [row] = await tx.select().from(rollouts).where(eq(rollouts.id, id)).for('update')
  requireFound(row, `rollout ${id}`)
  return row as Rollout
}

/** Rollouts, newest first, those before the id `before`. */
export async function listRollouts(
  db: Db,
  { state, scope }: { state?: RolloutState | 'open' | undefined; scope?: Scope | undefined },
  limit: number,
  before?: string,
): Promise<Rollout[]> {
  const place = before === undefined ? undefined : await placeOf(db, rollouts, before)
  const states = state === 'open' ? [...openRolloutStates] : state === undefined ? undefined : [state]
  const conditions = and(
    states === undefined ? undefined : inArray(rollouts.state, states),
    isOfScope(scope),
    place === undefined ? undefined : lt(rollouts.seq, place),
  )
  return db.select().from(rollouts).where(conditions).orderBy(desc(rollouts.seq)).limit(limit)
}

/** Whether a rollout has machines, and all of them have these labels. */
function isOfScope(labels: Scope | undefined): SQL | undefined {
  if (labels === undefined) return undefined
  return sql`(exists (select 1 from rollout_machines m where m.rollout_id = rollouts.id) and not exists (
    select 1 from rollout_machines m join machines on machines.id = m.machine_id
    where m.rollout_id = rollouts.id and not machines.labels @> ${JSON.stringify(labels)}::jsonb))`
}

/** The ids of the rollouts that have not ended, and of those with machines that have not, oldest first. */
export async function listMovingRollouts(db: Db): Promise<string[]> {
  const found = await db.execute(sql`
    select id::text as id from rollouts where state in ('running', 'paused', 'stopped')
      or exists (select 1 from rollout_machines m where m.rollout_id = rollouts.id and m.state in ('armed', 'running'))
    order by seq`)
  return rowsOf<{ id: string }>(found).map(({ id }) => id)
}

/** Deletes rollouts that ended long ago, with the states of their machines. The audit log keeps the counts. */
export async function pruneRollouts(db: Db, days: number): Promise<void> {
  await db.execute(sql`delete from rollouts where ended_at < now() - ${days} * interval '1 day'`)
}

/** The machines of each wave by their states. */
export async function countMachines(db: Db, { id, waves }: Pick<Rollout, 'id' | 'waves'>): Promise<WaveCounts[]> {
  const counts = waves.map(() => noCounts())
  const found = await db.execute(sql`
    select wave, state, count(*)::int as count from rollout_machines where rollout_id = ${id}::uuid group by wave, state`)
  for (const { wave, state, count } of rowsOf<{ wave: number; state: RolloutMachineState; count: number }>(found)) {
    const of = counts[wave]
    if (of !== undefined) of[state] += count
  }
  return counts
}

/** The machines of a rollout in the order of their places, those after the place `after`. */
export async function listRolloutMachines(
  db: Db,
  id: string,
  { state, wave }: { state?: RolloutMachineState | undefined; wave?: number | undefined },
  limit: number,
  after?: number,
): Promise<RolloutMachine[]> {
  const { former: _, given: __, ...columns } = getTableColumns(rolloutMachines)
  return db
    .select({ ...columns, machine: nameOfId(sql.raw('rollout_machines.machine_id')) })
    .from(rolloutMachines)
    .where(
      and(
        eq(rolloutMachines.rolloutId, id),
        state === undefined ? undefined : eq(rolloutMachines.state, state),
        wave === undefined ? undefined : eq(rolloutMachines.wave, wave),
        after === undefined ? undefined : gt(rolloutMachines.place, after),
      ),
    )
    .orderBy(asc(rolloutMachines.place))
    .limit(limit)
}

/** What a rollout gives its machines. */
export function orderOfRollout(rollout: Rollout): RolloutOrder {
  const { action, image, version, assignment, force, power, maxAttempts, windowSeconds } = rollout
  return { action, image, version, assignment, force, power, maxAttempts, windowSeconds }
}

type Event = 'created' | 'wave-begun' | 'approved' | 'paused' | 'resumed' | 'stopped' | 'retried' | EndEvent
type EndEvent = 'finished' | 'cancelled' | 'rolled-back'

/** Writes values of a rollout, and records the change. Returns the rollout after it. */
export async function changeRollout(
  tx: Tx,
  before: Rollout,
  values: Partial<Pick<Rollout, 'state' | 'wave' | 'accepted' | 'reason'>> & { ends?: boolean },
  event: Event,
  by: Actor,
): Promise<Rollout> {
  const { ends, ...given } = values
  const [after] = await tx
    .update(rollouts)
    .set({
      ...given,
      revision: before.revision + 1,
      updatedAt: sql`now()`,
      ...(ends !== undefined && { endedAt: ends ? sql`now()` : null }),
    })
    .where(eq(rollouts.id, before.id))
    .returning()
  requireFound(after, `rollout ${before.id}`)
  const counts = await countMachines(tx, before)
  await recordChanges(tx, [
    {
      actor: by,
      type: `rollout.${event}`,
      subject: before.id,
      before: viewOf(before),
      after: { ...viewOf(after as Rollout), machines: totalOf(counts) },
    },
  ])
  return after as Rollout
}

/** A rollout as the audit log keeps it. */
export function viewOf({ action, image, version, waves, state, wave, reason }: Rollout) {
  return { action, image, version, state, wave: wave + 1, waves: waves.length, ...(reason !== null && { reason }) }
}

/** The machines of all waves by their states, without the states that no machine has. */
export function totalOf(counts: WaveCounts[]): Partial<WaveCounts> {
  const total = noCounts()
  for (const count of counts)
    for (const state of Object.keys(total) as RolloutMachineState[]) total[state] += count[state]
  return Object.fromEntries(Object.entries(total).filter(([, count]) => count > 0))
}
