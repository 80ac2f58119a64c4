// States of deployments as words, tones and next steps.
import type { Deployment, DeploymentBatch } from '../../api/schemas/boots/deployment.ts'
import {
  activeStates,
  type DeploymentState,
  deploymentStateMeanings,
  deploymentStates,
} from '../../model/deployment.ts'

/** The class of a state. The word of the state always stands beside its color. */
export const tones: Record<DeploymentState, string> = {
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

export type DeploymentRow = Deployment & { tone: string; meaning: string; nextStep: string | undefined; since: string }

export function rowOf(deployment: Deployment): DeploymentRow {
  const { state, createdAt, startedAt, endedAt } = deployment
  return {
    ...deployment,
    ...{ tone: tones[state], meaning: deploymentStateMeanings[state], nextStep: nextSteps[state] },
    since: endedAt ?? startedAt ?? createdAt,
  }
}

export type BatchView = DeploymentBatch & {
  /** The states that occur, in order, each with its part of the bar in percent. */
  parts: { state: DeploymentState; count: number; tone: string; from: number; width: number; meaning: string }[]
  active: number
  /** `3 installed, 1 failed`. */
  words: string
}

export function batchView(batch: DeploymentBatch): BatchView {
  // The bar reads as progress: what is done stands first.
  const order = (['installed', 'failed', 'cancelled', 'installing', 'started', 'armed'] as const).filter(
    (state) => (batch.states[state] ?? 0) > 0,
  )
  const countOf = (state: DeploymentState) => batch.states[state] ?? 0
  const before = (index: number) => order.slice(0, index).reduce((sum, state) => sum + countOf(state), 0)
  const percent = (machines: number) => (100 * machines) / Math.max(1, batch.machines)
  return {
    ...batch,
    parts: order.map((state, index) => ({
      ...{ state, count: countOf(state), tone: tones[state], meaning: deploymentStateMeanings[state] },
      ...{ from: percent(before(index)), width: percent(countOf(state)) },
    })),
    active: activeStates.reduce((sum, state) => sum + countOf(state), 0),
    words: deploymentStates
      .filter((state) => countOf(state) > 0)
      .map((state) => `${countOf(state)} ${state}`)
      .join(', '),
  }
}
