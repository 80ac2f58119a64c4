// /power-requests: what was asked for the power of machines, and what came of it.
import { z } from '@hono/zod-openapi'
import type { Db } from '../../../db/open.ts'
import { findMachine } from '../../../inventory/machines/machines.ts'
import { namesOfMachines } from '../../../inventory/machines/names.ts'
import {
  cancelPowerRequests,
  findPowerRequest,
  listPowerRequests,
  type PowerRequest,
} from '../../../inventory/machines/power/requests.ts'
import { ConflictError, NotFoundError, requireFound } from '../../../lib/errors.ts'
import type { Scope } from '../../../model/access/scope.ts'
import { isMachineInScope } from '../../access/rights.ts'
import { endpoint } from '../../http/endpoint.ts'
import { page, withoutNulls } from '../../http/page.ts'
import { uuidv7 } from '../../schemas/common.ts'
import {
  powerCancel,
  powerCancelled,
  powerRequest,
  powerRequestList,
  powerRequestsQuery,
} from '../../schemas/machines/power.ts'

export const list = endpoint({
  operationId: 'listPowerRequests',
  action: 'inventory.read',
  scope: 'filtered',
  summary: 'List power requests, newest first',
  query: powerRequestsQuery,
  returns: powerRequestList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: max, before, machine: key, batch, state }, scope }) => {
    const machineId = key === undefined ? undefined : (await findMachine(db, key))?.id
    if (key !== undefined && machineId === undefined) return { status: 200, body: { items: [] } }
    const { items, ...next } = await page(
      max,
      (count) => listPowerRequests(db, { machineId, batch, state, scope }, count, before),
      ({ id }) => id,
    )
    return { status: 200, body: { items: await namedViews(db, items), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getPowerRequest',
  action: 'inventory.read',
  scope: 'filtered',
  summary: 'Get a power request',
  params: z.object({ id: uuidv7 }),
  returns: powerRequest,
  statuses: { 200: 'The request' },
  answer: async ({ db }, { params: { id }, scope }) => {
    const [body] = await namedViews(db, [await requireRequest(db, id, scope)])
    return { status: 200, body: body as z.input<typeof powerRequest> }
  },
})

export const cancel = endpoint({
  operationId: 'cancelPowerRequests',
  action: 'power.use',
  scope: 'filtered',
  summary: 'Cancel power requests that no server has begun',
  description: 'An action that runs is not interrupted.',
  body: powerCancel,
  returns: powerCancelled,
  statuses: { 200: 'The cancelled requests' },
  answer: async ({ db }, { body: { id, batch = '' }, scope, by }) => {
    const found = id === undefined ? undefined : await requireRequest(db, id, scope)
    const cancelled = await cancelPowerRequests(db, found === undefined ? { batch } : { id: found.id }, scope, by)
    if (found !== undefined && cancelled.length === 0)
      throw new ConflictError(`power request ${found.id} no longer waits. Next step: look at its state`)
    return { status: 200, body: { cancelled: await namedViews(db, cancelled) } }
  },
})

/** @throws NotFoundError, also for a request of a machine outside the scope */
async function requireRequest(db: Db, id: string, scope: Scope | undefined): Promise<PowerRequest> {
  const found = await findPowerRequest(db, id)
  requireFound(found, `power request ${id}`)
  if (!(await isMachineInScope(db, scope, found.machineId))) throw new NotFoundError(`there is no power request ${id}`)
  return found
}

async function namedViews(db: Db, items: PowerRequest[]) {
  const names = await namesOfMachines(
    db,
    items.map(({ machineId }) => machineId),
  )
  return items.map((item) => ({ ...requestView(item), machine: names.get(item.machineId) ?? item.machineId }))
}

/** A request as the API shows it. */
export function requestView({ seq: _, leaseUntil: _lease, ...request }: PowerRequest) {
  return withoutNulls(request)
}
