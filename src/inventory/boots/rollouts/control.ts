// What people do with a rollout: pause, resume, approve, cancel, retry, roll back.

import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Tx } from '../../../db/transaction.ts'
import { ConflictError } from '../../../lib/errors.ts'
import { isOpenRollout, type RolloutState } from '../../../model/rollout/rollout.ts'
import type { Actor } from '../../changes/changes.ts'
import { lockName } from '../../common/lock.ts'
import { restoreAssignments, withdrawMachines } from './act.ts'
import { cancelThose } from './cancel.ts'
import { refuseOthers } from './create.ts'
import { observeMachines } from './observe.ts'
import { reinstallFormer } from './reinstall.ts'
import { changeRollout, countMachines, lockRollout, type Rollout, totalOf } from './rollouts.ts'

/** The rollout after a change, and the number of machines that it concerned. */
export type Controlled = { rollout: Rollout; machines: number; kept: number }

/** Pauses a running rollout. Machines that have not begun are taken back. @throws NotFoundError, ConflictError */
export async function pauseRollout(db: Db, id: string, by: Actor): Promise<Controlled> {
  return control(db, id, false, async (tx, rollout) => {
    requireState(rollout, ['running'], 'pause')
    const machines = await withdrawMachines(tx, rollout, 'the rollout was paused', by)
    return { rollout: await changeRollout(tx, rollout, { state: 'paused' }, 'paused', by), machines, kept: 0 }
  })
}

/** Resumes a paused or stopped rollout, and accepts its failures so far. @throws NotFoundError, ConflictError */
export async function resumeRollout(db: Db, id: string, by: Actor): Promise<Controlled> {
  return control(db, id, false, async (tx, rollout) => {
    requireState(rollout, ['paused', 'stopped'], 'resume')
    const accepted = (await countMachines(tx, rollout)).reduce((sum, { failed }) => sum + failed, 0)
    const values = { state: 'running', accepted, reason: null } as const
    return { rollout: await changeRollout(tx, rollout, values, 'resumed', by), machines: 0, kept: 0 }
  })
}

/**
 * Ends the current wave, whatever its success rate is: the next wave begins, or the rollout finishes. Machines of the wave that are
 * armed or assigned stay so. The last wave cannot end while machines wait: they would never begin. @param wave the number of the current wave, from 1 on
 * @throws NotFoundError; ConflictError if another wave is current, or machines of the last wave wait
 */
export async function approveWave(db: Db, id: string, wave: number, by: Actor): Promise<Controlled> {
  return control(db, id, false, async (tx, rollout) => {
    requireState(rollout, ['running'], 'approve')
    if (wave !== rollout.wave + 1)
      throw new ConflictError(
        `rollout ${id} is at wave ${rollout.wave + 1} of ${rollout.waves.length}, not at wave ${wave}. Next step: bootwright rollout show ${id}`,
      )
    const isLast = wave === rollout.waves.length
    const waiting = totalOf(await countMachines(tx, rollout)).waiting ?? 0
    if (isLast && waiting > 0)
      throw new ConflictError(
        `${waiting} machines of rollout ${id} still wait to begin: expected all of them to be armed or assigned before the last wave ends. Next step: bootwright rollout show ${id}, or end it without them: bootwright rollout cancel ${id}`,
      )
    const values = isLast ? ({ state: 'finished', ends: true } as const) : { wave }
    return { rollout: await changeRollout(tx, rollout, values, 'approved', by), machines: 0, kept: 0 }
  })
}

/**
 * Ends a rollout. Machines that have not begun are taken back, and those that began continue.
 * @throws NotFoundError, ConflictError
 */
export async function cancelRollout(db: Db, id: string, dryRun: boolean, by: Actor): Promise<Controlled> {
  return control(db, id, dryRun, async (tx, rollout) => {
    requireState(rollout, ['running', 'paused', 'stopped'], 'cancel')
    const machines = await withdrawMachines(tx, rollout, 'the rollout was cancelled', by)
    const values = { state: 'cancelled', ends: true } as const
    return { rollout: await changeRollout(tx, rollout, values, 'cancelled', by), machines, kept: 0 }
  })
}

/**
 * Lets the failed machines wait again, and with `skipped` the skipped ones, too. A stopped or finished rollout runs again. Deployments
 * of failed machines that are still active are cancelled. @throws NotFoundError, ConflictError
 */
export async function retryRollout(
  db: Db,
  id: string,
  { skipped, dryRun }: { skipped: boolean; dryRun: boolean },
  by: Actor,
): Promise<Controlled> {
  return control(db, id, dryRun, async (tx, rollout) => {
    requireState(rollout, ['running', 'paused', 'stopped', 'finished'], 'retry')
    const states = sql.raw(skipped ? "'failed', 'skipped'" : "'failed'")
    const rows = rowsOf<{ deploymentId: string | null }>(
      await tx.execute(sql`
        update rollout_machines set state = 'waiting', reason = null, ended_at = null, started_at = null
        where rollout_id = ${id}::uuid and state in (${states}) returning deployment_id as "deploymentId"`),
    )
    if (!isOpenRollout(rollout.state)) await refuseRunningElsewhere(tx, rollout)
    const deployed = rows.flatMap(({ deploymentId }) => deploymentId ?? [])
    await cancelThose(tx, deployed, 'the rollout tries again', by)
    if (rows.length === 0) return { rollout, machines: 0, kept: 0 }
    const state = rollout.state === 'paused' ? 'paused' : 'running'
    const values = { state, accepted: 0, reason: null, ...(!isOpenRollout(rollout.state) && { ends: false }) } as const
    return { rollout: await changeRollout(tx, rollout, values, 'retried', by), machines: rows.length, kept: 0 }
  })
}

/**
 * Ends a rollout and undoes it. Of assign: the machines get their former assignments again. Of deploy: active deployments are
 * cancelled, and with `reinstall` the machines that began are armed with the image that was installed before.
 * `kept` counts the machines that stay as they are. @throws NotFoundError, ConflictError
 */
export async function rollBack(
  db: Db,
  id: string,
  { reinstall, dryRun }: { reinstall: boolean; dryRun: boolean },
  by: Actor,
): Promise<Controlled> {
  return control(db, id, dryRun, async (tx, rollout) => {
    requireState(rollout, ['running', 'paused', 'stopped', 'finished', 'cancelled'], 'roll back')
    const done =
      rollout.action === 'assign'
        ? await restoreAssignments(tx, rollout, ['armed', 'running', 'succeeded', 'failed'], 'rolled-back', by)
        : await reinstallFormer(tx, rollout, reinstall, by)
    const values = { state: 'rolled-back', ends: true } as const
    const after = await changeRollout(tx, rollout, values, 'rolled-back', by)
    return { rollout: after, machines: done.restored, kept: done.kept }
  })
}

class DryRun extends Error {
  readonly result: Controlled
  constructor(result: Controlled) {
    super('dry run')
    this.result = result
  }
}

/** Changes a rollout in a transaction that no server and no other request shares. With `dryRun` nothing stays. */
async function control(
  db: Db,
  id: string,
  dryRun: boolean,
  change: (tx: Tx, rollout: Rollout) => Promise<Controlled>,
): Promise<Controlled> {
  return db
    .transaction(async (tx) => {
      await lockName(tx, 'rollout', id)
      const rollout = await lockRollout(tx, id)
      await observeMachines(tx, rollout)
      const result = await change(tx, rollout)
      if (dryRun) throw new DryRun({ ...result, rollout })
      return result
    })
    .catch((error: unknown) => {
      if (error instanceof DryRun) return error.result
      throw error
    })
}

function requireState({ id, state }: Rollout, states: RolloutState[], what: string): void {
  if (!states.includes(state))
    throw new ConflictError(
      `rollout ${id} is ${state}: expected ${states.join(' or ')} to ${what} it. Next step: bootwright rollout show ${id}`,
    )
}

/** @throws ConflictError if machines that wait again are in another rollout meanwhile */
async function refuseRunningElsewhere(tx: Tx, { id }: Rollout): Promise<void> {
  const found = await tx.execute(sql`
    select machine_id::text as id from rollout_machines where rollout_id = ${id}::uuid and state = 'waiting'`)
  await refuseOthers(
    tx,
    rowsOf<{ id: string }>(found).map((row) => row.id),
    id,
  )
}
