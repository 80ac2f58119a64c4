// One step of a rollout, in one transaction, by one server at a time.

import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Tx } from '../../../db/transaction.ts'
import { InputError } from '../../../lib/errors.ts'
import { nextStep, type Step } from '../../../model/rollout/next-step.ts'
import { maxOpenPower } from '../../../model/rollout/rollout.ts'
import { system } from '../../changes/changes.ts'
import { actOnWaiting, type Refusals, withdrawMachines } from './act.ts'
import { type Observed, observeMachines } from './observe.ts'
import { changeRollout, countMachines, lockRollout, type Rollout } from './rollouts.ts'

/** What a step did. `again`: the next step can follow at once. */
export type Advanced = { rollout: Rollout; step: Step; observed: Observed; again: boolean; waiting: string[] }

const machinesAtOnce = 100

/**
 * Observes the machines of a rollout and takes its next step, except that it arms and assigns nothing: `waiting` has the machines
 * to check for that. Undefined if another server is at it.
 * @throws NotFoundError
 */
export async function advanceRollout(db: Db, id: string): Promise<Advanced | undefined> {
  return db.transaction(async (tx) => {
    if (!(await tryLock(tx, id))) return undefined
    const rollout = await lockRollout(tx, id)
    const observed = await observeMachines(tx, rollout)
    const step = nextStep(rollout, await countMachines(tx, rollout), await nowOf(tx))
    const done = (after: Rollout, again: boolean, waiting: string[] = []) => {
      return { rollout: after, step, observed, again, waiting }
    }
    switch (step.do) {
      case 'act':
        return done(rollout, false, await listWaiting(tx, rollout))
      case 'withdraw':
        return done(rollout, (await withdrawMachines(tx, rollout, step.why, system)) > 0)
      case 'advance':
        return done(await changeRollout(tx, rollout, { wave: rollout.wave + 1 }, 'wave-begun', system), true)
      case 'stop': {
        await withdrawMachines(tx, rollout, 'the rollout stopped', system)
        const values = { state: 'stopped', reason: step.reason } as const
        return done(await changeRollout(tx, rollout, values, 'stopped', system), true)
      }
      case 'finish':
        return done(await changeRollout(tx, rollout, { state: 'finished', ends: true }, 'finished', system), false)
      default:
        return done(rollout, false)
    }
  })
}

/**
 * Arms or assigns machines that were checked, if the rollout still may. Each is armed or assigned at most once, also if a server is
 * killed or two servers try. If the image or its version is gone, the rollout stops.
 * @returns the machines by their new state; undefined if nothing was done
 */
export async function actOnMachinesOf(
  db: Db,
  id: string,
  machineIds: string[],
  refusals: Refusals,
): Promise<{ armed: number; skipped: number } | undefined> {
  const act = async (tx: Tx) => {
    if (!(await tryLock(tx, id))) return undefined
    const rollout = await lockRollout(tx, id)
    const step = nextStep(rollout, await countMachines(tx, rollout), await nowOf(tx))
    return step.do === 'act' ? actOnWaiting(tx, rollout, machineIds, refusals) : undefined
  }
  return db.transaction(act).catch(async (error: unknown) => {
    if (!(error instanceof InputError)) throw error
    await stopRollout(db, id, error.message)
    return undefined
  })
}

/** Stops a rollout that cannot continue. */
async function stopRollout(db: Db, id: string, reason: string): Promise<void> {
  await db.transaction(async (tx) => {
    const rollout = await lockRollout(tx, id)
    if (rollout.state !== 'running') return
    await withdrawMachines(tx, rollout, 'the rollout stopped', system)
    await changeRollout(tx, rollout, { state: 'stopped', reason }, 'stopped', system)
  })
}

/** Takes the lock of a rollout until the transaction ends. False if another transaction has it. */
async function tryLock(tx: Tx, id: string): Promise<boolean> {
  const found = await tx.execute(
    sql`select pg_try_advisory_xact_lock(hashtextextended(${`rollout ${id}`}, 0)) as locked`,
  )
  return rowsOf<{ locked: boolean }>(found)[0]?.locked === true
}

/** The clock of the database, which all servers share. */
async function nowOf(tx: Tx): Promise<Date> {
  const [row] = rowsOf<{ now: string | Date }>(await tx.execute(sql`select now() as now`))
  return new Date(row?.now ?? Number.NaN)
}

/** The next machines to arm or assign. With power, only as many as have a turn soon, and none whose power is in use. */
async function listWaiting(tx: Tx, { id, wave, power }: Rollout): Promise<string[]> {
  const openPower = sql`(select count(*) from power_requests where batch = ${id}::uuid and ended_at is null)`
  const found = await tx.execute(sql`
    select machine_id::text as id from rollout_machines m
    where rollout_id = ${id}::uuid and state = 'waiting' and wave <= ${wave} ${
      power === null
        ? sql``
        : sql`and not exists (select 1 from power_requests p where p.machine_id = m.machine_id and p.ended_at is null)`
    }
    order by wave, place limit ${power === null ? machinesAtOnce : sql`greatest(${maxOpenPower}::int - ${openPower}, 0)`}`)
  return rowsOf<{ id: string }>(found).map((row) => row.id)
}
