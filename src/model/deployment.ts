// Deployments: their states, their limits, and the rule that moves them.

import type { Assignment } from './assignment.ts'

/** The states in which a deployment's image is served, and in which the deployment can still move. */
export const activeStates = ['armed', 'started', 'installing'] as const

/** Armed until the machine reports the end, or a limit on attempts or time is reached, or an operator cancels it. */
export const deploymentStates = [...activeStates, 'installed', 'failed', 'cancelled'] as const
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

export function isActive(state: DeploymentState): boolean {
  return (activeStates as readonly DeploymentState[]).includes(state)
}

/** After this many days without a boot a deployment has failed: nobody still expects it to wipe the machine. */
export const maxArmedDays = 30
export const defaultMaxAttempts = 3
export const defaultWindowSeconds = 24 * 3600

/** What limits a deployment. `late`: its window since the first attempt is over, or no boot began it for too long. */
type Limits = { maxAttempts: number; windowSeconds: number; late: boolean }

/** The part of a deployment that events move. */
type Moving = { state: DeploymentState; attempts: number } & Limits

/** A machine's active deployment, or else its newest one, as decisions need it. After a merge a machine has the deployments of both. */
export type LatestDeployment = {
  id: string
  image: string
  /** The image's version that it was armed with; null: whichever is current. */
  version: number | null
  assignment: Assignment
  /** Why it failed. */
  reason: string | null
} & Moving

/** Why a limit has ended an active deployment, so that it is no longer served; undefined while none has. */
export function whySpent({ state, attempts, maxAttempts, windowSeconds, late }: Moving): string | undefined {
  if (!isActive(state)) return undefined
  if (attempts >= maxAttempts)
    return `${attempts} of ${maxAttempts} attempts, and the machine never reported the end of one`
  if (!late) return undefined
  return attempts === 0
    ? `it was armed more than ${maxArmedDays} days ago, and no boot began it`
    : `its time is over: no report of the end within ${windowSeconds} s of the first attempt`
}

/** The stages of a boot that can move its deployment. */
export type Seen = 'ready' | 'answer-file' | 'installing' | 'progress' | 'installed' | 'booted' | 'failed'

/** A boot, as its deployment sees it. */
export type DeploymentBoot = {
  /** The boot already counts as an attempt. */
  progressed: boolean
  /** No newer boot of the machine has gone past its script, so this boot reports about the machine's present system. */
  newest: boolean
}

/** Events that can move a deployment: a report of its own boot, a boot of its machine without it that went past its script, or time. */
export type DeploymentEvent =
  | { by: 'its boot'; boot: DeploymentBoot; seen: Seen; message?: string | undefined }
  | { by: 'another boot' }
  | { by: 'time' }

export type Move = { state: DeploymentState; attempts: number; reason?: string }

/**
 * Where an event moves a deployment; undefined: nowhere. Pure, and the only rule:
 * - a deployment that has ended stays as it ended: late, repeated and replayed reports change nothing;
 * - fetching a script is not an event, so a download or a preview never moves anything;
 * - the first report of a boot counts as an attempt, whatever made the machine boot again;
 * - a boot that a newer one overtook moves nothing;
 * - iPXE that fails before it jumps reports `failed` without `ready`: nothing was started, so nothing has failed;
 * - time fails a late deployment. It does not fail one whose attempts are used up, because the last attempt may still succeed;
 * - a boot without the deployment shows that the last attempt is over: it fails whatever a limit has ended.
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
  // Scripts fetched before the last attempt began are still valid and do not add attempts.
  const attempts = Math.min(before + (boot.progressed ? 0 : 1), maxAttempts)
  if (seen === 'installed' || seen === 'failed') return { state: seen, attempts, ...(message && { reason: message }) }
  const byInstaller = seen === 'installing' || seen === 'progress'
  const further = byInstaller || state === 'installing' ? 'installing' : 'started'
  // A new attempt begins before the installer reports it.
  const next = !boot.progressed && !byInstaller ? 'started' : further
  return next === state && attempts === before ? undefined : { state: next, attempts }
}
