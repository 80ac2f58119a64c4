// States of deployments as words, tones and next steps.
import type { Deployment, DeploymentBatch } from '../../api/schemas/boots/deployment.ts'
import {
  activeStates,
  type DeploymentState,
  deploymentStateMeanings,
  deploymentStates,
} from '../../model/deployment.ts'
import type { Tone } from '../http/tone.ts'

const tones: Record<DeploymentState, Tone> = {
  armed: 'idle',
  started: 'busy',
  installing: 'busy',
  installed: 'ok',
  failed: 'bad',
  cancelled: 'warn',
}

const nextSteps: Partial<Record<DeploymentState, string>> = {
  armed: 'Restart the machine: it installs at its next network boot.',
  started: 'Wait for the report of the installer.',
  installing: 'Wait: the machine reports when it is installed.',
  failed: 'Read the timeline of its boot, then retry.',
}

export type DeploymentRow = Deployment & { tone: Tone; meaning: string; nextStep: string | undefined; since: string }

export function rowOf(deployment: Deployment): DeploymentRow {
  const { state, createdAt, startedAt, endedAt } = deployment
  return {
    ...deployment,
    ...{ tone: tones[state], meaning: deploymentStateMeanings[state], nextStep: nextSteps[state] },
    since: endedAt ?? startedAt ?? createdAt,
  }
}

/** Deployments by state, as a stacked bar and in words. */
export type StatesBar = {
  /** The states that occur, each with its part of the bar in percent. */
  parts: { state: DeploymentState; count: number; tone: Tone; from: number; width: number; meaning: string }[]
  /** `3 installed, 1 failed`. */
  words: string
  total: number
}

/** The bar reads as progress: what is done stands first. */
const barOrder = ['installed', 'failed', 'cancelled', 'installing', 'started', 'armed'] as const

export function barOf(counts: { [State in DeploymentState]?: number | undefined }): StatesBar {
  const countOf = (state: DeploymentState) => counts[state] ?? 0
  const sum = (states: readonly DeploymentState[]) => states.reduce((all, state) => all + countOf(state), 0)
  const total = sum(deploymentStates)
  const percent = (machines: number) => (100 * machines) / Math.max(1, total)
  const states = barOrder.filter((state) => countOf(state) > 0)
  return {
    total,
    words: states.map((state) => `${countOf(state)} ${state}`).join(', '),
    parts: states.map((state, index) => ({
      ...{ state, count: countOf(state), tone: tones[state], meaning: deploymentStateMeanings[state] },
      ...{ from: percent(sum(states.slice(0, index))), width: percent(countOf(state)) },
    })),
  }
}

export type BatchView = DeploymentBatch & StatesBar & { active: number }

export function batchView(batch: DeploymentBatch): BatchView {
  const active = activeStates.reduce((sum, state) => sum + (batch.states[state] ?? 0), 0)
  return { ...batch, ...barOf(batch.states), active }
}
