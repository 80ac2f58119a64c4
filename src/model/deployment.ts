import type { Assignment } from './assignment.ts'

/** From armed to the machine's report, or to the limit on its attempts or its time. */
export const deploymentStates = ['armed', 'started', 'installing', 'installed', 'failed', 'cancelled'] as const
export type DeploymentState = (typeof deploymentStates)[number]

/** One sentence for each, for docs/reference/stages.md. */
export const deploymentStateMeanings: Record<DeploymentState, string> = {
  armed: 'No boot has begun the installation.',
  started: 'A boot began the installation: iPXE is about to jump, or the installer fetched its answer file.',
  installing: 'The installer reported that it began, or the step that it is at.',
  installed: 'The machine reported that it is installed.',
  failed: 'The machine reported a failure, or a limit of time or attempts was reached.',
  cancelled: 'An operator ended the deployment, or another boot reported that it installed the same image.',
}

/** The states in which a deployment's image is served. */
export const activeStates = ['armed', 'started', 'installing'] as const satisfies DeploymentState[]
export type ActiveState = (typeof activeStates)[number]

/** Whether a deployment in this state is served, and may still move. */
export function isActive(state: DeploymentState): state is ActiveState {
  return (activeStates as readonly DeploymentState[]).includes(state)
}

/** A deployment that no boot began for so long has failed: nobody expects the machine to be wiped any more. */
export const maxArmedDays = 30
export const defaultMaxAttempts = 3
export const defaultWindowSeconds = 24 * 3600

/** A machine's active deployment, else its newest, as a decision needs it. A merge brings deployments of either machine, in any order. */
export type LatestDeployment = {
  id: string
  image: string
  /** The image's version that it was armed with; null: whichever is current. */
  version: number | null
  assignment: Assignment
  state: DeploymentState
  attempts: number
  maxAttempts: number
  /** Why it failed. */
  reason: string | null
  /** Its time is over: the first attempt was longer ago than its window, or no boot began it for too long. */
  late: boolean
}

/** Why an active deployment is not served any more; undefined while it is. */
export function whySpent({
  state,
  attempts,
  maxAttempts,
  late,
}: Pick<LatestDeployment, 'state' | 'attempts' | 'maxAttempts' | 'late'>): string | undefined {
  if (!isActive(state)) return undefined
  if (attempts >= maxAttempts)
    return `${attempts} of ${maxAttempts} attempts, and the machine never reported the end of one`
  if (late && attempts === 0) return `it was armed more than ${maxArmedDays} days ago, and no boot began it`
  return late ? 'its time is over, and the machine never reported the end of an attempt' : undefined
}

/** What was seen of a boot, as its deployment takes it. */
export type Seen = 'ready' | 'answer-file' | 'installing' | 'progress' | 'installed' | 'booted' | 'failed'

/** A boot, as its deployment sees it. */
export type DeploymentBoot = {
  /** It was counted as an attempt already. */
  progressed: boolean
  /** No newer boot of the machine has gone past its script: what this one reports is about what is on the machine. */
  newest: boolean
}

export type Move = { state: DeploymentState; attempts: number; reason?: string }

/**
 * Where a deployment goes with what was seen of one of its boots; undefined: nowhere. Pure, and the whole truth of it:
 * - fetching a script is not among what is seen, so it never moves anything;
 * - the first thing seen of a boot counts as an attempt, however the machine came to boot again;
 * - an ended deployment stays as it ended, and a boot that a newer one overtook has no say: late, repeated and replayed
 *   reports change nothing;
 * - iPXE that fails before it jumps reports `failed` without ever being ready: nothing was started, so nothing has failed.
 */
export function moveDeployment(
  deployment: { state: DeploymentState; attempts: number; maxAttempts: number },
  boot: DeploymentBoot,
  seen: Seen,
  message?: string,
): Move | undefined {
  const { state } = deployment
  if (!boot.newest || !isActive(state)) return undefined
  if (seen === 'failed' && !boot.progressed) return undefined
  // Scripts that were fetched before the last attempt began are still good: they are no further attempts.
  const attempts = Math.min(deployment.attempts + (boot.progressed ? 0 : 1), deployment.maxAttempts)
  if (seen === 'installed' || seen === 'failed') return { state: seen, attempts, ...(message && { reason: message }) }
  const byInstaller = seen === 'installing' || seen === 'progress'
  const further = byInstaller || state === 'installing' ? 'installing' : 'started'
  // A new attempt begins before the installer says so.
  const next = !boot.progressed && !byInstaller ? 'started' : further
  return next === state && attempts === deployment.attempts ? undefined : { state: next, attempts }
}
