// /rollouts: certain machines get an image version, in waves.
import { z } from '@hono/zod-openapi'
import type { Db } from '../../db/open.ts'
import { findRefusals } from '../../decide/preview/arming.ts'
import { armMachines } from '../../inventory/boots/deployments.ts'
import { createRollout, type NewOrder, previewRollout } from '../../inventory/boots/rollouts/create.ts'
import {
  countMachines,
  findRollout,
  listRolloutMachines,
  listRollouts,
  type Rollout,
  totalOf,
} from '../../inventory/boots/rollouts/rollouts.ts'
import { findAllMachines } from '../../inventory/machines/list.ts'
import { findMachines } from '../../inventory/machines/machines.ts'
import { findUnpowered } from '../../inventory/machines/power/arming.ts'
import { requireFound } from '../../lib/errors.ts'
import type { Scope } from '../../model/access/scope.ts'
import { nameOf } from '../../model/machine.ts'
import { nextStep, type WaveCounts } from '../../model/rollout/next-step.ts'
import type { RolloutPlan } from '../../model/rollout/rollout.ts'
import { inPlaces } from '../../model/rollout/waves.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import { findTargets } from '../machines/actions.ts'
import {
  type RolloutOrderBody,
  rolloutList,
  rolloutSchema,
  rolloutStart,
  rolloutStarted,
  rolloutsQuery,
} from '../schemas/boots/rollout.ts'
import { rolloutMachineList, rolloutMachinesQuery } from '../schemas/boots/rollout-machine.ts'
import { uuidv7 } from '../schemas/common.ts'

/** A preview checks this many machines. */
const maxChecked = 1000

export const byId = z.object({ id: uuidv7 })

export const list = endpoint({
  operationId: 'listRollouts',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'List rollouts, newest first',
  query: rolloutsQuery,
  returns: rolloutList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit, before, state }, scope }) => {
    const { items, ...next } = await page(
      limit,
      (count) => listRollouts(db, { state, scope }, count, before),
      ({ id }) => id,
    )
    const bodies = await Promise.all(items.map((rollout) => bodyOf(db, rollout)))
    return { status: 200, body: { items: bodies, ...next } }
  },
})

export const get = endpoint({
  operationId: 'getRollout',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'Get a rollout with the progress of its waves',
  params: byId,
  returns: rolloutSchema,
  statuses: { 200: 'The rollout' },
  answer: async ({ db }, { params: { id }, scope }) => ({ status: 200, body: await findBody(db, id, scope) }),
})

export const machines = endpoint({
  operationId: 'listRolloutMachines',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'List the machines of a rollout, in the order in which they begin',
  params: byId,
  query: rolloutMachinesQuery,
  returns: rolloutMachineList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { params: { id }, query: { limit, after, state, wave }, scope }) => {
    await requireRollout(db, id, scope)
    const filter = { state, wave: wave === undefined ? undefined : wave - 1 }
    const { items, ...next } = await page(
      limit,
      (count) => listRolloutMachines(db, id, filter, count, after),
      ({ place }) => String(place),
    )
    const bodies = items.map(({ rolloutId: _, formerDeploymentId: __, ...row }) => {
      return withoutNulls({ ...row, wave: row.wave + 1 })
    })
    return { status: 200, body: { items: bodies, ...next } }
  },
})

export const create = endpoint({
  operationId: 'startRollout',
  action: 'deployments.edit',
  scope: 'filtered',
  summary: 'Start a rollout: install an image, or assign it, in waves',
  description:
    'The machines are chosen now, and the version is fixed now. A wave arms or assigns its machines, and the next wave begins when the success rate is reached. Preview with `dryRun`, and send the `machines` of the preview as `expect`. Arming has the rules of `POST /deployments/bulk`: machines that would be refused are skipped. A machine can be in one open rollout.',
  body: rolloutStart,
  returns: rolloutStarted,
  statuses: { 200: 'The preview', 201: 'Rollout started' },
  prepare: async (deps, { body, scope }) => {
    const search =
      body.selector === undefined
        ? await findTargets(deps.db, body.ids, body.filter, scope)
        : { selector: body.selector, scope }
    const ids = (await findAllMachines(deps.db, search)).map(({ id }) => id)
    const skipped = body.dryRun ? await findSkipped(deps, ids, orderOf(body)) : []
    return { ids, skipped }
  },
  answer: async ({ db }, { body, by, prepared }) => {
    const { ids, skipped } = prepared as { ids: string[]; skipped: Awaited<ReturnType<typeof findSkipped>> }
    const plan = planOf(body)
    const order = orderOf(body)
    const { version, machines, waves } = await previewRollout(db, ids, order, plan)
    const shares = waves.map((count, wave) => ({ share: plan.waves[wave]?.share ?? 100, machines: count }))
    const preview = { version, machines, waves: shares }
    if (body.dryRun) return { status: 200, body: { ...preview, checked: Math.min(ids.length, maxChecked), skipped } }
    const rollout = await createRollout(db, ids, order, plan, body.expect, by)
    return {
      status: 201,
      body: { rollout: await bodyOf(db, rollout), ...preview, checked: 0, skipped: [] },
      headers: { location: `/api/v1/rollouts/${rollout.id}` },
    }
  },
})

/** The first machines that would be skipped now, with the reasons. */
async function findSkipped(deps: AdminDeps, ids: string[], order: NewOrder) {
  const machines = await findMachines(deps.db, inPlaces(ids).slice(0, maxChecked))
  if (order.action === 'assign')
    return machines
      .filter(({ denied }) => denied)
      .map((machine) => {
        return { machineId: machine.id, machine: nameOf(machine), why: `machine ${nameOf(machine)} is denied` }
      })
  const { image, version, assignment, maxAttempts, windowSeconds, force, power } = order
  const { everyBoot: _, ...how } = assignment
  const deployment = { image, version, assignment: how, maxAttempts, windowSeconds }
  const unpowered = await findUnpowered(deps.db, machines, power ?? undefined)
  const refusals = new Map([...unpowered, ...(force ? [] : await findRefusals(deps, machines, deployment))])
  return (await armMachines(deps.db, machines, deployment, { dryRun: true }, 'preview', refusals)).skipped
}

function orderOf(body: RolloutOrderBody): NewOrder {
  const { action, image, version, args, withoutArgs, answerFile, params, everyBoot } = body
  const { force, power = null, maxAttempts, windowSeconds } = body
  const given = Object.entries({ args, withoutArgs, answerFile, params, everyBoot }).filter(
    ([, value]) => value !== undefined,
  )
  return { action, image, version, assignment: Object.fromEntries(given), force, power, maxAttempts, windowSeconds }
}

function planOf(body: z.output<typeof rolloutStart>): RolloutPlan {
  const { shares, until, approve, maxFailed, patienceSeconds, between = null, selector = null } = body
  const waves = shares.map((share) => (approve ? { share } : { share, until }))
  return { waves, bound: maxFailed, patienceSeconds, window: between, selector }
}

/** @throws NotFoundError, also for a rollout with machines outside the scope */
export async function requireRollout(db: Db, id: string, scope: Scope | undefined): Promise<Rollout> {
  const rollout = await findRollout(db, id, scope)
  requireFound(rollout, `rollout ${id}`)
  return rollout as Rollout
}

/** A rollout for the answer. @throws NotFoundError, also for a rollout with machines outside the scope */
export async function findBody(db: Db, id: string, scope: Scope | undefined) {
  return bodyOf(db, await requireRollout(db, id, scope))
}

export async function bodyOf(db: Db, rollout: Rollout) {
  return shownRollout(rollout, await countMachines(db, rollout), new Date())
}

function shownRollout(rollout: Rollout, counts: WaveCounts[], now: Date) {
  const { assignment, waves, bound, window, wave, seq: _, accepted: __, revision: ___, ...row } = rollout
  const step = nextStep(rollout, counts, now)
  const waiting = step.do === 'wait' ? step.waiting : undefined
  const sumOf = (states: Partial<WaveCounts>) => Object.values(states).reduce((sum, count) => sum + count, 0)
  const states = totalOf(counts)
  return {
    ...withoutNulls(row),
    ...assignment,
    waves: waves.map(({ share, until }, at) => {
      const ofWave = totalOf(counts.slice(at, at + 1))
      return { share, ...(until !== undefined && { until }), machines: sumOf(ofWave), states: ofWave }
    }),
    maxFailed: bound,
    ...(window !== null && { between: window }),
    wave: wave + 1,
    ...(waiting && {
      waitsFor: { what: waiting.on, text: waiting.text, ...(waiting.until && { until: waiting.until }) },
    }),
    machines: sumOf(states),
    states,
  }
}
