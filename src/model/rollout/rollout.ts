// Rollouts: the order that certain machines get an image version, in waves. Their words.
import type { Assignment } from '../assignment.ts'
import type { ArmedPower } from '../power/power.ts'
import type { Condition } from '../selector.ts'
import type { Wave } from './waves.ts'
import type { Window } from './window.ts'

/** What a rollout does with each machine: install the image once, or boot it from now on. */
export const rolloutActions = ['deploy', 'assign'] as const
export type RolloutAction = (typeof rolloutActions)[number]

/** The states in which a rollout has not ended. */
export const openRolloutStates = ['running', 'paused', 'stopped'] as const

/** All states of a rollout. */
export const rolloutStates = [...openRolloutStates, 'finished', 'cancelled', 'rolled-back'] as const
export type RolloutState = (typeof rolloutStates)[number]

/** One sentence for each, for the reference. */
export const rolloutStateMeanings: Record<RolloutState, string> = {
  running: 'The rollout goes from wave to wave.',
  paused: 'A person paused the rollout. No further machine begins.',
  stopped: 'Too many machines failed, so the rollout stopped. No further machine begins until a person decides.',
  finished: 'Every machine of the last wave ended, or a person approved the last wave.',
  cancelled: 'A person ended the rollout.',
  'rolled-back': 'A person ended the rollout, and its machines have their former assignments again.',
}

export function isOpenRollout(state: RolloutState): boolean {
  return (openRolloutStates as readonly RolloutState[]).includes(state)
}

/** The states of a machine in a rollout. */
export const rolloutMachineStates = [
  'waiting',
  'armed',
  'running',
  'succeeded',
  'failed',
  'skipped',
  'rolled-back',
] as const
export type RolloutMachineState = (typeof rolloutMachineStates)[number]

/** One sentence for each, for the reference. */
export const rolloutMachineStateMeanings: Record<RolloutMachineState, string> = {
  waiting: 'The rollout has not reached the machine yet, or took it back.',
  armed: 'The machine is armed or assigned, but has not booted since.',
  running: 'The machine began: it fetched its script, and boots or installs now.',
  succeeded: 'The machine reported that it is installed or running.',
  failed: 'The machine reported a failure, or did not end in time.',
  skipped: 'The machine was not armed or assigned, for the reason that is shown.',
  'rolled-back': 'The machine has its former assignment again, or was armed with its former image.',
}

/** The image of a rollout, and how machines boot it. The version is fixed when the rollout is created. */
export type RolloutOrder = {
  action: RolloutAction
  image: string
  version: number
  assignment: Pick<Assignment, 'args' | 'withoutArgs' | 'answerFile' | 'params' | 'everyBoot'>
  /** Of deploy: also arm machines that would be refused now. */
  force: boolean
  /** Of deploy: how armed machines are powered; null for not at all. */
  power?: ArmedPower | null | undefined
  /** Of deploy: the limits of each deployment. */
  maxAttempts: number
  windowSeconds: number
}

/** How many machines may fail before a rollout stops: a number, or a percentage of the machines that it has reached. */
export type FailureBound = { count: number } | { percent: number }

/** How a rollout proceeds. */
export type RolloutPlan = {
  waves: Wave[]
  bound: FailureBound
  /** The time in which a machine that began must end, seconds. After it, the machine counts as failed. */
  patienceSeconds: number
  /** The times of day at which machines may begin. */
  window: Window | null
  /** The conditions that chose the machines; null for a list. */
  selector: Condition[] | null
}

export const defaultUntilPercent = 95
export const defaultBound: FailureBound = { percent: 5 }
export const defaultPatienceSeconds = 2 * 3600
export const defaultShares = [5, 25, 100]
export const maxRolloutMachines = 100_000

/** A machine that does not boot within this time after it was armed or assigned counts as failed. */
export const maxArmedSeconds = 30 * 86_400

/** The power requests of a rollout that may be open at once. Further machines are armed as these end, so that no request waits long. */
export const maxOpenPower = 20

/** `5 %` or `3 machines`. */
export function formatBound(bound: FailureBound): string {
  if ('percent' in bound) return `${bound.percent} %`
  return `${bound.count} ${bound.count === 1 ? 'machine' : 'machines'}`
}
