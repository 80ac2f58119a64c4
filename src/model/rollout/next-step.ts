// The next step of a rollout: the only rule that moves it.
import {
  type FailureBound,
  formatBound,
  isOpenRollout,
  type RolloutMachineState,
  type RolloutState,
} from './rollout.ts'
import type { Wave } from './waves.ts'
import { isWindowOpen, nextOpening, type Window } from './window.ts'

/** The machines of a wave by their states. */
export type WaveCounts = Record<RolloutMachineState, number>

/** The part of a rollout that decides its next step. */
export type Moving = {
  state: RolloutState
  /** The current wave, from 0 on. */
  wave: number
  waves: Wave[]
  bound: FailureBound
  /** Failures that a person accepted by resuming the rollout. */
  accepted: number
  window: Window | null
}

/** What a rollout waits for. `text` says it in words. */
export type Waiting = { on: 'window' | 'machines' | 'person'; text: string; until?: Date | undefined }

export type Step =
  /** Arm or assign machines of the waves up to the current one that still wait. */
  | { do: 'act' }
  /** Take back the machines that have not begun. */
  | { do: 'withdraw'; why: string }
  | { do: 'advance' }
  | { do: 'stop'; reason: string }
  | { do: 'finish' }
  | { do: 'wait'; waiting: Waiting }
  | { do: 'nothing' }

/**
 * The next step of a rollout. Pure, and the only rule:
 * - A paused or stopped rollout takes back the machines that have not begun. So does a rollout whose window closes.
 * - If more machines failed than the bound permits, the rollout stops.
 * - Inside the window, all waiting machines of the waves up to the current one begin.
 * - A wave ends when its success rate is reached. Skipped machines do not count, and machines that never booted count as waiting.
 * - A wave waits for a person if it has no rate, if its rate can no longer be reached, or if all its machines were skipped.
 * - The last wave ends when every machine ended.
 */
export function nextStep(rollout: Moving, counts: WaveCounts[], now: Date): Step {
  const { state, wave, waves, window } = rollout
  if (!isOpenRollout(state)) return { do: 'nothing' }
  const reached = counts.slice(0, wave + 1)
  const sum = (name: RolloutMachineState) => reached.reduce((total, count) => total + count[name], 0)
  if (state !== 'running') {
    if (sum('armed') > 0) return { do: 'withdraw', why: `the rollout was ${state}` }
    return wait('person', `The rollout is ${state}. Next step: resume, retry, cancel or roll back`)
  }
  const excess = excessOf(rollout, reached)
  if (excess !== undefined) return { do: 'stop', reason: excess }
  const isOpen = window === null || isWindowOpen(window, now)
  if (!isOpen && sum('armed') > 0) return { do: 'withdraw', why: 'the maintenance window closed' }
  if (isOpen && sum('waiting') > 0) return { do: 'act' }
  const gate =
    wave === waves.length - 1 ? endOf(reached) : gateOf(waves[wave] as Wave, wave, waves.length, counts[wave])
  if (gate === 'pass') return wave === waves.length - 1 ? { do: 'finish' } : { do: 'advance' }
  if (sum('waiting') > 0 && window !== null) {
    const opening = nextOpening(window, now)
    return wait('window', 'The maintenance window is closed', opening)
  }
  return { do: 'wait', waiting: gate }
}

/** Whether a wave has ended, or what it waits for. */
function gateOf({ until }: Wave, wave: number, waves: number, counts: WaveCounts | undefined): 'pass' | Waiting {
  const { counted, total, succeeded, failed, running, armed, waiting } = rateOf(counts)
  const name = `Wave ${wave + 1} of ${waves}`
  if (total === 0) return 'pass'
  if (until === undefined) {
    const open = running + armed + waiting
    const left = open === 0 ? '' : `, and ${open} of them have not ended`
    return { on: 'person', text: `${name} waits for an approval: ${succeeded} of ${counted} machines succeeded${left}` }
  }
  if (counted === 0)
    return { on: 'person', text: `${name} waits for an approval: all its ${total} machines were skipped` }
  if (succeeded * 100 >= until * counted) return 'pass'
  if ((counted - failed) * 100 < until * counted)
    return {
      on: 'person',
      text: `${name} can no longer reach ${until} %: ${failed} of ${counted} machines failed. Next step: retry or approve`,
    }
  const missing = armed + waiting
  const silent = missing > 0 ? ` ${missing} ${missing === 1 ? 'machine has' : 'machines have'} not booted yet` : ''
  return {
    on: 'machines',
    text: `${name} waits for ${until} %: ${succeeded} of ${counted} machines succeeded.${silent}`,
  }
}

/** Whether every machine has ended. */
function endOf(counts: WaveCounts[]): 'pass' | Waiting {
  const sum = (name: RolloutMachineState) => counts.reduce((total, count) => total + count[name], 0)
  const [running, armed] = [sum('running'), sum('armed') + sum('waiting')]
  if (running + armed === 0) return 'pass'
  const parts = [
    ...(running > 0 ? [`${running} ${running === 1 ? 'machine boots' : 'machines boot'} or install now`] : []),
    ...(armed > 0 ? [`${armed} ${armed === 1 ? 'machine has' : 'machines have'} not booted yet`] : []),
  ]
  return { on: 'machines', text: `The last wave waits for every machine: ${parts.join(', ')}` }
}

/** Why a rollout must stop; undefined if it need not. */
function excessOf({ bound, accepted }: Moving, reached: WaveCounts[]): string | undefined {
  const rates = reached.map(rateOf)
  const failed = rates.reduce((sum, rate) => sum + rate.failed, 0)
  const counted = rates.reduce((sum, rate) => sum + rate.counted, 0)
  const fresh = failed - accepted
  const isPast = 'percent' in bound ? fresh * 100 > bound.percent * counted : fresh > bound.count
  if (!isPast) return undefined
  const before = accepted > 0 ? `, ${accepted} of them accepted before` : ''
  return `${failed} of ${counted} machines failed${before}: more than ${formatBound(bound)}`
}

/** The machines of a wave, without those that were skipped or rolled back. */
function rateOf(counts: WaveCounts | undefined) {
  const { waiting = 0, armed = 0, running = 0, succeeded = 0, failed = 0, skipped = 0 } = counts ?? {}
  const counted = waiting + armed + running + succeeded + failed
  return { waiting, armed, running, succeeded, failed, counted, total: counted + skipped }
}

function wait(on: Waiting['on'], text: string, until?: Date): Step {
  return { do: 'wait', waiting: { on, text, ...(until !== undefined && { until }) } }
}

/** A wave without machines. */
export function noCounts(): WaveCounts {
  return { waiting: 0, armed: 0, running: 0, succeeded: 0, failed: 0, skipped: 0, 'rolled-back': 0 }
}
