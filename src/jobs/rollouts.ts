// The job of rollouts: it observes their machines, arms and assigns them, and begins their waves.
import { setTimeout as sleep } from 'node:timers/promises'
import { type ArmingDeps, findRefusals } from '../decide/preview/arming.ts'
import { deploymentOrderOf, type Refusals } from '../inventory/boots/rollouts/act.ts'
import { type Advanced, actOnMachinesOf, advanceRollout } from '../inventory/boots/rollouts/advance.ts'
import { listMovingRollouts, type Rollout } from '../inventory/boots/rollouts/rollouts.ts'
import { findMachines } from '../inventory/machines/machines.ts'
import { findUnpowered } from '../inventory/machines/power/arming.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { type Loop, startLoop } from '../lib/time/loop.ts'

export type RolloutJobDeps = ArmingDeps & {
  log: Logger
  metrics?: Pick<Metrics, 'rolloutMachines' | 'rolloutStep'>
  /** Whether reports wait in the journal: then the database does not know yet which boots continue. */
  isBehind?: () => boolean
}

/**
 * Advances every open rollout once a second, and follows the machines of ended ones to their ends. Several servers may run this at once. Each step is one transaction under the lock of
 * its rollout, so only one server takes it. If a server is killed, nothing is half done.
 */
export function startRollouts(deps: RolloutJobDeps, { everyMs = 1000 }: { everyMs?: number } = {}): Loop {
  const { db, log, isBehind = () => false } = deps
  const advanceAll = async (signal: AbortSignal) => {
    if (isBehind()) return false
    let hasMore = false
    for (const id of await listMovingRollouts(db)) {
      if (signal.aborted) return false
      if (await takeStep(deps, id)) hasMore = true
    }
    return hasMore
  }
  return startLoop(advanceAll, { name: 'rollouts', everyMs, log })
}

/** The records of the former start are written in this time, unless they are many. */
const maxSettleMs = 3000

/**
 * Takes back machines whose window closed while no server was running. It arms and assigns nothing. Runs before machines can boot.
 */
export async function settleRollouts(deps: Pick<RolloutJobDeps, 'db' | 'log' | 'metrics' | 'isBehind'>): Promise<void> {
  const { db, log, isBehind = () => false } = deps
  try {
    const ids = await listMovingRollouts(db)
    const until = performance.now() + maxSettleMs
    while (ids.length > 0 && isBehind() && performance.now() < until) await sleep(50)
    if (isBehind()) return
    for (const id of ids) {
      const advanced = await advanceRollout(db, id)
      if (advanced !== undefined) hear(deps, advanced)
    }
  } catch (error) {
    log.warn({ error: messageOf(error) }, 'could not look at the rollouts before the first boot')
  }
}

/** Takes one step of a rollout. True if the next can follow at once. */
export async function takeStep(deps: RolloutJobDeps, id: string): Promise<boolean> {
  const advanced = await advanceRollout(deps.db, id)
  if (advanced === undefined) return false
  hear(deps, advanced)
  const { rollout, waiting, again } = advanced
  if (waiting.length === 0) return again
  // The check asks the roster, which must not wait for a transaction of this server.
  const refusals = await refusalsOf(deps, rollout, waiting)
  const acted = await actOnMachinesOf(deps.db, id, waiting, refusals)
  if (acted === undefined) return false
  const { log, metrics } = deps
  log.info({ rollout: id, wave: rollout.wave + 1, ...acted }, `rollout ${rollout.action}`)
  metrics?.rolloutMachines(rollout.action, acted)
  return true
}

/** Why machines must not be armed. The rules are those of `deployment arm`. An assignment is judged when the machine boots. */
async function refusalsOf(deps: RolloutJobDeps, rollout: Rollout, ids: string[]): Promise<Refusals> {
  if (rollout.action === 'assign') return new Map()
  const machines = await findMachines(deps.db, ids)
  const unpowered = await findUnpowered(deps.db, machines, rollout.power ?? undefined)
  if (rollout.force) return unpowered
  return new Map([...unpowered, ...(await findRefusals(deps, machines, deploymentOrderOf(rollout)))])
}

function hear({ log, metrics }: Pick<RolloutJobDeps, 'log' | 'metrics'>, { rollout, step, observed }: Advanced): void {
  metrics?.rolloutMachines(rollout.action, observed)
  if (step.do === 'wait' || step.do === 'act' || step.do === 'nothing') return
  metrics?.rolloutStep(step.do)
  const level = step.do === 'stop' ? 'warn' : 'info'
  const { id, image, version, state, wave, reason } = rollout
  log[level]({ rollout: id, image, version, state, wave: wave + 1, step: step.do, reason }, 'rollout')
}
