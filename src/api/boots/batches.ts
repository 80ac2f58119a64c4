// /deployments/batches: deployments that were armed together.
import { z } from '@hono/zod-openapi'
import { findRefusals, type Refusals } from '../../decide/preview/arming.ts'
import { findBatch, findOthers, listBatches, listFailed } from '../../inventory/boots/batches.ts'
import { armMachines, type Deployment, type DeploymentOrder } from '../../inventory/boots/deployments.ts'
import { findMachines } from '../../inventory/machines/machines.ts'
import { findUnpowered, powerArmed } from '../../inventory/machines/power/arming.ts'
import { requireFound } from '../../lib/errors.ts'
import { countArmed } from '../changes/counted-deployments.ts'
import { endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import { batchesQuery, batchList, batchRetry, batchSchema, deploymentsArmed } from '../schemas/boots/deployment.ts'
import { uuidv7 } from '../schemas/common.ts'

const byBatch = z.object({ batch: uuidv7 })

export const list = endpoint({
  operationId: 'listDeploymentBatches',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'List batches of deployments, newest first',
  query: batchesQuery,
  returns: batchList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit, before }, scope }) => {
    const { items, ...next } = await page(
      limit,
      (count) => listBatches(db, scope, count, before),
      ({ batch }) => batch,
    )
    return { status: 200, body: { items: items.map(withoutNulls), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getDeploymentBatch',
  action: 'boots.read',
  scope: 'filtered',
  summary: 'Get a batch of deployments',
  params: byBatch,
  returns: batchSchema,
  statuses: { 200: 'The batch' },
  answer: async ({ db }, { params: { batch }, scope }) => {
    const found = await findBatch(db, batch, scope)
    requireFound(found, `batch ${batch}`)
    const others = await findOthers(db, batch, scope)
    return { status: 200, body: { ...withoutNulls(found), ...(others.length > 0 && { others: others.length }) } }
  },
})

export const retry = endpoint({
  operationId: 'retryDeploymentBatch',
  action: 'deployments.edit',
  scope: 'filtered',
  summary: 'Arm the failed deployments of a batch again',
  description:
    'If the newest deployment of a machine in the batch failed, the machine gets a new one in the same batch. The order is the same: image, version, args, answer file, params and limits. Machines are skipped as in POST /deployments/bulk.',
  params: byBatch,
  body: batchRetry,
  bodyOptional: true,
  returns: deploymentsArmed,
  statuses: { 200: 'The armed and the skipped machines' },
  prepare: async (deps, { params: { batch }, body, scope }) => {
    const failed = await listFailed(deps.db, batch, scope)
    const [first] = failed
    if (body.force || first === undefined) return new Map()
    const machines = await findMachines(
      deps.db,
      failed.map(({ machineId }) => machineId),
    )
    return findRefusals(deps, machines, orderOf(first))
  },
  answer: async ({ db, power }, { params: { batch }, body, by, scope, prepared }) => {
    requireFound(await findBatch(db, batch, scope), `batch ${batch}`)
    const failed = await listFailed(db, batch, scope)
    const [first] = failed
    if (first === undefined) return { status: 200, body: { batch, armed: [], skipped: [] } }
    const machines = await findMachines(
      db,
      failed.map(({ machineId }) => machineId),
    )
    const options = { dryRun: body.dryRun, expect: body.expect, batch }
    const why = new Map([...(await findUnpowered(db, machines, body.power)), ...(prepared as Refusals)])
    const order = orderOf(first)
    const done = await db.transaction(async (tx) => {
      const armed = await armMachines(tx, machines, order, options, by, why)
      if (!body.dryRun) await powerArmed(tx, armed.armed, body.power, by, batch)
      return armed
    })
    if (body.power !== undefined && !body.dryRun) setImmediate(power.wake)
    return { status: 200, body: { ...done, concerns: await countArmed(db, done, order, body.dryRun) } }
  },
})

/** The order of a batch, as one of its deployments has it. */
function orderOf({ image, version, assignment, maxAttempts, windowSeconds }: Deployment): DeploymentOrder {
  const which = version === null ? { follow: true } : { version }
  return { image, ...which, assignment, maxAttempts, windowSeconds }
}
