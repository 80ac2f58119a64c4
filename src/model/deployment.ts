// Deployments: their states, and the only rule that moves them.
import type { Assignment } from './assignment.ts'

/** The states in which a deployment's image is served and its state can change. */
export const activeStates = ['armed', 'started', 'installing'] as const

/** All states. A deployment ends by a report of the machine, by a limit, or by an operator. */
export const deploymentStates = [...activeStates, 'installed', 'failed', 'cancelled'] as const
export type DeploymentState = (typeof deploymentStates)[number]

/** One sentence for each, for docs/reference/stages.md. */
export const deploymentStateMeanings: Record<DeploymentState, string> = {
  armed: 'No boot has begun the installation.',
  started:
    'A boot began the installation: iPXE is about to start the installer, or the installer fetched its answer file.',
  installing: 'The installer reported that it started, or its current step.',
  installed: 'The machine reported that it is installed.',
  failed: 'The machine reported a failure, or a limit of time or attempts was reached.',
  cancelled: 'An operator ended the deployment, or another boot reported that it installed the same image.',
}

export function isActive(state: DeploymentState): boolean {
  return (activeStates as readonly DeploymentState[]).includes(state)
}

/** If no boot begins a deployment within this time, it fails. By then, nobody expects the machine to be wiped. */
export const maxArmedDays = 30
export const defaultMaxAttempts = 3
export const defaultWindowSeconds = 24 * 3600

/** The limits of a deployment. `late`: its time since the first attempt is over, or no boot began it in time. */
type Limits = { maxAttempts: number; windowSeconds: number; late: boolean }

/** The part of a deployment that events change. */
type Moving = { state: DeploymentState; attempts: number } & Limits

/** A machine's active deployment, or else its newest one. After a merge a machine has the deployments of both. */
export type LatestDeployment = {
  id: string
  image: string
  /** The image's version of the deployment; null: the current version. */
  version: number | null
  assignment: Assignment
  /** Why the deployment failed. */
  reason: string | null
} & Moving

/** Which limit of an active deployment is reached, so that it is no longer served; undefined if none. */
export function whySpent({ state, attempts, maxAttempts, windowSeconds, late }: Moving): string | undefined {
  if (!isActive(state)) return undefined
  if (attempts >= maxAttempts)
    return `${attempts} of ${maxAttempts} attempts were used, but the machine never reported an end`
  if (!late) return undefined
  return attempts === 0
    ? `armed more than ${maxArmedDays} days ago, but no boot began it`
    : `timeout: the machine did not report an end within ${windowSeconds} s of the first attempt`
}

/** The stages of a boot that can change its deployment. */
export type Seen = 'ready' | 'answer-file' | 'installing' | 'progress' | 'installed' | 'booted' | 'failed'

/** The facts about a boot that its deployment needs. */
export type DeploymentBoot = {
  /** The boot already counts as an attempt. */
  progressed: boolean
  /** No newer boot of the machine got past its script, so the reports of this boot are about the current system. */
  newest: boolean
}

/**
 * An event that may change a deployment: a report of a boot that installs it, a later boot of its machine without the
 * deployment, or a timeout.
 */
export type DeploymentEvent =
  | { by: 'its boot'; boot: DeploymentBoot; seen: Seen; message?: string | undefined }
  | { by: 'another boot' }
  | { by: 'time' }

export type Move = { state: DeploymentState; attempts: number; reason?: string }

/**
 * How an event changes a deployment; undefined if it does not. Pure, and the only rule:
 * - An ended deployment does not change: late, repeated and replayed reports have no effect.
 * - Fetching a script is not an event, so a download or a preview never changes a deployment.
 * - The first report of a boot counts as an attempt, whatever restarted the machine.
 * - A boot that a newer boot overtook has no effect.
 * - If iPXE fails before it starts the installer, it reports `failed` without `ready`. Then no attempt has failed.
 * - A timeout fails a late deployment, but not a deployment without attempts left: the last attempt may still succeed.
 * - A boot without the deployment shows that the last attempt is over. If a limit is reached, the deployment fails.
 */
export function moveDeployment(deployment: Moving, event: DeploymentEvent): Move | undefined {
  if (!isActive(deployment.state)) return undefined
  if (event.by === 'its boot') return moveByBoot(deployment, event)
  const reason = event.by === 'time' && !deployment.late ? undefined : whySpent(deployment)
  return reason === undefined ? undefined : { state: 'failed', attempts: deployment.attempts, reason }
}

function moveByBoot(
  { state, attempts: before, maxAttempts }: Moving,
  { boot, seen, message }: Extract<DeploymentEvent, { by: 'its boot' }>,
): Move | undefined {
  if (!boot.newest || (seen === 'failed' && !boot.progressed)) return undefined
  // Scripts fetched before the last attempt began stay valid, and must not count as further attempts.
  const attempts = Math.min(before + (boot.progressed ? 0 : 1), maxAttempts)
  if (seen === 'installed' || seen === 'failed') return { state: seen, attempts, ...(message && { reason: message }) }
  const byInstaller = seen === 'installing' || seen === 'progress'
  const further = byInstaller || state === 'installing' ? 'installing' : 'started'
  // A new attempt begins before its installer reports it.
  const next = !boot.progressed && !byInstaller ? 'started' : further
  return next === state && attempts === before ? undefined : { state: next, attempts }
}
