// States of rollouts and of their machines as words, tones and bars.
import type { Rollout } from '../../../api/schemas/boots/rollout.ts'
import {
  formatBound,
  type RolloutMachineState,
  type RolloutState,
  rolloutMachineStateMeanings,
  rolloutStateMeanings,
} from '../../../model/rollout/rollout.ts'
import { formatWindow } from '../../../model/rollout/window.ts'
import type { Tone } from '../../http/tone.ts'

const rolloutTones: Record<RolloutState, Tone> = {
  running: 'busy',
  paused: 'warn',
  stopped: 'bad',
  finished: 'ok',
  cancelled: 'idle',
  'rolled-back': 'warn',
}

export const machineTones: Record<RolloutMachineState, Tone> = {
  waiting: 'idle',
  armed: 'idle',
  running: 'busy',
  succeeded: 'ok',
  failed: 'bad',
  skipped: 'warn',
  'rolled-back': 'warn',
}

/** The bar reads as progress: machines that ended stand first. Waiting machines have no part. */
const barOrder = ['succeeded', 'failed', 'skipped', 'rolled-back', 'running', 'armed'] as const

/** A rollout as a page shows it. */
export function rolloutView(rollout: Rollout) {
  const { state, waves, maxFailed, between, patienceSeconds, action, states, machines, endedAt, wave } = rollout
  return {
    ...rollout,
    tone: rolloutTones[state],
    meaning: rolloutStateMeanings[state],
    verb: action === 'deploy' ? 'installs' : 'assigns',
    isOpen: endedAt === undefined,
    bar: barOf(states, machines),
    rows: waves.map((each, at) => ({
      ...each,
      number: at + 1,
      isCurrent: at + 1 === wave && endedAt === undefined,
      gate: at + 1 === waves.length ? 'every machine' : each.until === undefined ? 'an approval' : `${each.until} %`,
      bar: barOf(each.states, each.machines),
    })),
    bound: formatBound(maxFailed),
    window: between && formatWindow(between),
    patienceMs: patienceSeconds * 1000,
    actions: actionsOf(rollout),
    canRollBack: state !== 'rolled-back',
  }
}

function barOf(states: Rollout['states'], total: number) {
  const present = barOrder.filter((state) => (states[state] ?? 0) > 0)
  const percent = (count: number) => (100 * count) / Math.max(1, total)
  let from = 0
  const parts = present.map((state) => {
    const count = states[state] ?? 0
    const part = { state, count, tone: machineTones[state], from, width: percent(count) }
    from += part.width
    return { ...part, meaning: rolloutMachineStateMeanings[state] }
  })
  const words = Object.entries(states)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')
  return { batch: { parts, words } }
}

export type RolloutVerb = 'pause' | 'resume' | 'approve' | 'retry' | 'cancel'

/** What a person may do with the rollout now. `confirm` is a question. */
function actionsOf({ state, wave, waves, waitsFor, states, endedAt }: Rollout) {
  const isOpen = endedAt === undefined
  const isHalted = state === 'paused' || state === 'stopped'
  const after = wave === waves.length ? 'The rollout finishes.' : `Wave ${wave + 1} begins.`
  const list: { verb: RolloutVerb; label: string; confirm?: string; isFirst?: boolean }[] = []
  if (state === 'running')
    list.push({
      ...{ verb: 'approve', label: `Approve wave ${wave}`, isFirst: waitsFor?.what === 'person' },
      confirm: `End wave ${wave} of ${waves.length} now, whatever its success rate is? ${after}`,
    })
  if (state === 'running') list.push({ verb: 'pause', label: 'Pause' })
  if (isHalted) list.push({ verb: 'resume', label: 'Resume', confirm: 'Accept the failures so far, and continue?' })
  if ((states.failed ?? 0) > 0 && (isOpen || state === 'finished'))
    list.push({
      verb: 'retry',
      label: 'Retry the failed',
      isFirst: isHalted,
      confirm: 'Let the failed machines try again?',
    })
  if (isOpen)
    list.push({
      verb: 'cancel',
      label: 'Cancel',
      confirm: 'End this rollout? Machines that have not begun are taken back.',
    })
  return list
}
