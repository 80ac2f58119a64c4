// /rollouts/{id}/…: what people do with a rollout.

import type { Db } from '../../db/open.ts'
import {
  approveWave,
  type Controlled,
  cancelRollout,
  pauseRollout,
  resumeRollout,
  retryRollout,
  rollBack,
} from '../../inventory/boots/rollouts/control.ts'
import type { Scope } from '../../model/access/scope.ts'
import { endpoint } from '../http/endpoint.ts'
import {
  rolloutApprove,
  rolloutCancel,
  rolloutControlled,
  rolloutRetry,
  rolloutRollback,
} from '../schemas/boots/rollout-actions.ts'
import { bodyOf, byId, requireRollout } from './rollouts.ts'

const shared = { action: 'deployments.edit', scope: 'filtered', params: byId, returns: rolloutControlled } as const

export const pause = endpoint({
  ...shared,
  operationId: 'pauseRollout',
  summary: 'Pause a rollout',
  description: 'Machines that have not begun are taken back, and wait. Machines that began continue.',
  statuses: { 200: 'Rollout paused' },
  answer: async ({ db }, { params: { id }, by, scope }) => answerOf(db, id, scope, () => pauseRollout(db, id, by)),
})

export const resume = endpoint({
  ...shared,
  operationId: 'resumeRollout',
  summary: 'Resume a paused or stopped rollout',
  description: 'The failures so far are accepted: the rollout stops again only if as many further machines fail.',
  statuses: { 200: 'Rollout resumed' },
  answer: async ({ db }, { params: { id }, by, scope }) => answerOf(db, id, scope, () => resumeRollout(db, id, by)),
})

export const approve = endpoint({
  ...shared,
  operationId: 'approveRolloutWave',
  summary: 'End the current wave of a rollout, whatever its success rate is',
  description:
    'The next wave begins, or the rollout finishes. Machines that have not booted yet stay armed or assigned. Of two requests for the same wave, the second is a conflict (409). So is the last wave while machines wait to begin.',
  body: rolloutApprove,
  statuses: { 200: 'Wave approved' },
  answer: async ({ db }, { params: { id }, body: { wave }, by, scope }) =>
    answerOf(db, id, scope, () => approveWave(db, id, wave, by)),
})

export const cancel = endpoint({
  ...shared,
  operationId: 'cancelRollout',
  summary: 'Cancel a rollout',
  description: 'Machines that have not begun are taken back. Machines that began continue.',
  body: rolloutCancel,
  bodyOptional: true,
  statuses: { 200: 'Rollout cancelled' },
  answer: async ({ db }, { params: { id }, body: { dryRun }, by, scope }) =>
    answerOf(db, id, scope, () => cancelRollout(db, id, dryRun, by)),
})

export const retry = endpoint({
  ...shared,
  operationId: 'retryRollout',
  summary: 'Retry the failed machines of a rollout',
  description:
    'The machines wait, and are armed or assigned again. A stopped or finished rollout runs again. Deployments of failed machines that are still active are cancelled.',
  body: rolloutRetry,
  bodyOptional: true,
  statuses: { 200: 'Machines wait again' },
  answer: async ({ db }, { params: { id }, body, by, scope }) =>
    answerOf(db, id, scope, () => retryRollout(db, id, body, by)),
})

export const rollback = endpoint({
  ...shared,
  operationId: 'rollBackRollout',
  summary: 'End a rollout and undo it',
  description:
    'Of assign: its machines get the assignments that they had before, except those that a person changed since. Of deploy: active deployments are cancelled, and with `reinstall` the machines that began are armed with the image that they had before.',
  body: rolloutRollback,
  bodyOptional: true,
  statuses: { 200: 'Rollout rolled back' },
  answer: async ({ db }, { params: { id }, body, by, scope }) =>
    answerOf(db, id, scope, () => rollBack(db, id, body, by)),
})

async function answerOf(db: Db, id: string, scope: Scope | undefined, change: () => Promise<Controlled>) {
  await requireRollout(db, id, scope)
  const { rollout, machines, kept } = await change()
  return { status: 200 as const, body: { rollout: await bodyOf(db, rollout), machines, kept } }
}
