// /deployments: install an image once.
import { z } from '@hono/zod-openapi'
import type { Db } from '../../db/open.ts'
import { compareArmed } from '../../decide/concerns/concerns.ts'
import { findRefusals, type Refusals } from '../../decide/preview/arming.ts'
import { findOthers, machinesOfBatch, shareOf } from '../../inventory/boots/batches.ts'
import { findCounted } from '../../inventory/boots/counted-machines.ts'
import { cancelDeployments } from '../../inventory/boots/deployment-cancels.ts'
import {
  armDeployment,
  armMachines,
  cancelDeployment,
  type Deployment,
  findDeployment,
  listDeployments,
} from '../../inventory/boots/deployments.ts'
import { findAllMachines } from '../../inventory/machines/list.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import { namesOfMachines } from '../../inventory/machines/names.ts'
import { findPowerOfDeployments, findUnpowered, powerArmed } from '../../inventory/machines/power/arming.ts'
import { refuseUnknownNames } from '../../inventory/machines/references.ts'
import type { MachineSearch } from '../../inventory/machines/search/condition.ts'
import { ConflictError, NotFoundError, requireFound } from '../../lib/errors.ts'
import type { Scope } from '../../model/access/scope.ts'
import { failureOf } from '../../model/codes/explain.ts'
import { type Machine, nameOf } from '../../model/machine.ts'
import { isMachineInScope, requireInScope } from '../access/rights.ts'
import { countedMachines, inTransaction } from '../changes/counted.ts'
import { countArmed, countCancelled } from '../changes/counted-deployments.ts'
import { endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import { findTargets } from '../machines/actions.ts'
import { requireMachine } from '../machines/machines.ts'
import {
  type DeploymentOrder,
  deploymentArm,
  deploymentArmed,
  deploymentList,
  deploymentSchema,
  deploymentsArm,
  deploymentsArmed,
  deploymentsCancel,
  deploymentsCancelled,
  deploymentsQuery,
} from '../schemas/boots/deployment.ts'
import { uuidv7 } from '../schemas/common.ts'
import { changeQuery } from '../schemas/machines/concerns.ts'

const byId = z.object({ id: uuidv7 })

export const list = endpoint({
  operationId: 'listDeployments',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'List deployments, newest first',
  query: deploymentsQuery,
  returns: deploymentList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: max, before, machine: key, ...filter }, scope }) => {
    const machineId = key === undefined ? undefined : (await findMachine(db, key))?.id
    if (key !== undefined && machineId === undefined) return { status: 200, body: { items: [] } }
    const { items, ...next } = await page(
      max,
      (count) => listDeployments(db, { ...filter, machineId, scope }, count, before),
      (deployment) => deployment.id,
    )
    const ids = items.map(({ machineId }) => machineId)
    const names = await namesOfMachines(db, ids)
    const powers = await findPowerOfDeployments(
      db,
      items.map(({ id }) => id),
    )
    const bodies = items.map((row) => ({
      ...bodyOf(row, powers.get(row.id)),
      machine: names.get(row.machineId) ?? row.machineId,
    }))
    return { status: 200, body: { items: bodies, ...next } }
  },
})

export const get = endpoint({
  operationId: 'getDeployment',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'Get a deployment',
  params: byId,
  returns: deploymentSchema,
  statuses: { 200: 'The deployment' },
  answer: async ({ db }, { params: { id }, scope }) => {
    const found = await requireDeployment(db, id, scope)
    const power = (await findPowerOfDeployments(db, [id])).get(id)
    return { status: 200, body: bodyOf(found, power) }
  },
})

export const arm = endpoint({
  operationId: 'armDeployment',
  action: 'deployments.edit',
  scope: 'filtered',
  summary: 'Arm a deployment: install an image on a machine once, at its next boot',
  description:
    'The image is served until the machine reports installed or failed, at most maxAttempts times within the window. Fetching scripts and files does not change the deployment. If the machine would be refused now, the answer is a conflict (409) unless `force` is true. The same holds for a machine that is probably installed, or being installed, under another record.',
  body: deploymentArm,
  returns: deploymentArmed,
  statuses: { 200: 'With `dryRun`: what would be armed', 201: 'Deployment armed' },
  prepare: async (deps, { body, scope }) => {
    const machine = await findMachine(deps.db, body.machine)
    requireInScope(scope, machine, body.machine)
    return body.force ? new Map() : findRefusals(deps, [machine], orderOf(body))
  },
  answer: async ({ db, power }, { body, by, prepared }) => {
    const machine = await requireMachine(db, body.machine)
    await refuseUnknownNames(db, { image: body.image, answerFile: body.answerFile }, '')
    const why = (prepared as Refusals).get(machine.id)
    if (why !== undefined)
      throw new ConflictError(
        `machine ${nameOf(machine)} is not armed with ${body.image}: ${why}; to arm it anyway: force (--force)`,
      )
    const unpowered = (await findUnpowered(db, [machine], body.power)).get(machine.id)
    if (unpowered !== undefined) throw new ConflictError(`machine ${nameOf(machine)} is not armed: ${unpowered}`)
    const { dryRun, replace } = body
    const order = orderOf(body)
    const before = await findCounted(db, [machine.id])
    const armed = await inTransaction(db, dryRun, async (tx) => {
      const deployment = await armDeployment(tx, machine.id, order, replace, by)
      if (!dryRun) await powerArmed(tx, [deployment], body.power, by)
      return deployment
    })
    const concerns = { applied: !dryRun, ...(await compareArmed(db, before, order)) }
    if (dryRun) return { status: 200, body: { ...bodyOf(armed), concerns } }
    if (body.power !== undefined) setImmediate(power.wake)
    const powered = (await findPowerOfDeployments(db, [armed.id])).get(armed.id)
    const headers = { location: `/api/v1/deployments/${armed.id}` }
    return { status: 201, body: { ...bodyOf(armed, powered), concerns }, headers }
  },
})

export const armMany = endpoint({
  operationId: 'armDeployments',
  action: 'deployments.edit',
  scope: 'filtered',
  summary: 'Arm deployments: install an image once on many machines',
  description:
    'The machines are chosen by a selector, by a filter as in the list, or by their ids. They are chosen as they are now. Machines that are denied or already being installed are skipped. Unless `force` is true, machines that would be refused now, or that are probably duplicates, are skipped too. Each skipped machine is listed with the reason.',
  body: deploymentsArm,
  returns: deploymentsArmed,
  statuses: { 200: 'The armed and the skipped machines' },
  prepare: async (deps, { body, scope }) => {
    const { chosen, others } = await chosenBy(deps.db, body, scope)
    const refusals = body.force ? new Map() : await findRefusals(deps, chosen, orderOf(body))
    return { ids: chosen.map(({ id }) => id), others, refusals }
  },
  answer: async ({ db, power }, { body, by, scope, prepared }) => {
    const { ids, others, refusals } = prepared as { ids: string[]; others: string[]; refusals: Refusals }
    const machines = await findAllMachines(db, { ids, scope })
    const options = { dryRun: body.dryRun, expect: body.expect, others }
    const why = new Map([...(await findUnpowered(db, machines, body.power)), ...refusals])
    const order = orderOf(body)
    const result = await db.transaction(async (tx) => {
      const done = await armMachines(tx, machines, order, options, by, why)
      if (!body.dryRun) await powerArmed(tx, done.armed, body.power, by, done.batch)
      return done
    })
    if (body.power !== undefined && !body.dryRun) setImmediate(power.wake)
    return { status: 200, body: { ...result, concerns: await countArmed(db, result, order, body.dryRun) } }
  },
})

export const cancelMany = endpoint({
  operationId: 'cancelDeployments',
  action: 'deployments.edit',
  summary: 'Cancel the active deployments of a batch, or of every machine that matches a selector',
  description: 'The machines return to their own assignments. Running installers are not stopped.',
  body: deploymentsCancel,
  returns: deploymentsCancelled,
  statuses: { 200: 'The cancelled deployments' },
  answer: async ({ db }, { body: { selector = [], batch, dryRun }, by }) => {
    const which = batch === undefined ? { selector } : { batch }
    return { status: 200, body: await countCancelled(db, dryRun, (on, dry) => cancelDeployments(on, which, dry, by)) }
  },
})

export const cancel = endpoint({
  operationId: 'cancelDeployment',
  action: 'deployments.edit',
  scope: 'filtered',
  summary: 'Cancel an active deployment',
  description: 'The machine returns to its own assignment. A running installer is not stopped.',
  params: byId,
  query: changeQuery,
  returns: deploymentArmed,
  statuses: { 200: 'Deployment cancelled' },
  answer: async ({ db }, { params: { id }, query, by, scope }) => {
    const { machineId } = await requireDeployment(db, id, scope)
    const { result, concerns } = await countedMachines(db, query, [{ id: machineId }], (on) =>
      cancelDeployment(on, id, by),
    )
    return { status: 200, body: { ...bodyOf(result), ...(concerns && { concerns }) } }
  },
})

/** @throws NotFoundError, also for a deployment of a machine outside the scope */
async function requireDeployment(db: Db, id: string, scope: Scope | undefined): Promise<Deployment> {
  const found = await findDeployment(db, id)
  requireFound(found, `deployment ${id}`)
  if (!(await isMachineInScope(db, scope, found.machineId))) throw new NotFoundError(`there is no deployment ${id}`)
  return found
}

/** The machines that a request for many chooses now, and the ids of those that its share leaves out. */
async function chosenBy(
  db: Db,
  body: z.output<typeof deploymentsArm>,
  scope: Scope | undefined,
): Promise<{ chosen: Machine[]; others: string[] }> {
  const { share, exceptBatch } = body
  const found = await findAllMachines(db, await searchOf(db, body, scope))
  const part = share === undefined ? found : shareOf(found, share)
  const done = exceptBatch === undefined ? new Set() : await machinesOfBatch(db, exceptBatch)
  const inPart = new Set(part.map(({ id }) => id))
  return {
    chosen: part.filter(({ id }) => !done.has(id)),
    others: found.map(({ id }) => id).filter((id) => !inPart.has(id) && !done.has(id)),
  }
}

async function searchOf(
  db: Db,
  { selector, ids, filter, othersOf }: z.output<typeof deploymentsArm>,
  scope: Scope | undefined,
): Promise<MachineSearch> {
  if (selector !== undefined) return { selector, scope }
  if (othersOf === undefined) return findTargets(db, ids, filter, scope)
  return { ids: await findOthers(db, othersOf, scope), scope }
}

function orderOf({
  image,
  version,
  follow,
  args,
  withoutArgs,
  answerFile,
  params,
  maxAttempts,
  windowSeconds,
}: DeploymentOrder) {
  return { image, version, follow, assignment: { args, withoutArgs, answerFile, params }, maxAttempts, windowSeconds }
}

type Powered = Awaited<ReturnType<typeof findPowerOfDeployments>> extends Map<string, infer Power> ? Power : never

function bodyOf({ assignment, seq: _, ...deployment }: Deployment, power?: Powered) {
  const { args, withoutArgs, answerFile, params } = assignment
  const failure = deployment.state === 'failed' ? failureOf(deployment.reason) : undefined
  return {
    ...withoutNulls(deployment),
    ...(args && { args }),
    ...(withoutArgs && { withoutArgs }),
    ...(answerFile !== undefined && { answerFile }),
    ...(params && { params }),
    ...(failure && { failure }),
    ...(power && { power }),
  }
}
