// Orders for the power of one machine and of many. The server performs them in the background, a few at a time.
import { z } from '@hono/zod-openapi'
import type { Db } from '../../../db/open.ts'
import type { Actor } from '../../../inventory/changes/changes.ts'
import { findAllMachines } from '../../../inventory/machines/list.ts'
import { findPowerRefusals } from '../../../inventory/machines/power/refusals.ts'
import { addPowerRequests, type PowerTarget } from '../../../inventory/machines/power/requests.ts'
import { ConflictError, InputError } from '../../../lib/errors.ts'
import { newId } from '../../../lib/ids/uuid.ts'
import { nameOf } from '../../../model/machine.ts'
import type { PowerOrder } from '../../../model/power/power.ts'
import { endpoint } from '../../http/endpoint.ts'
import { machineKey } from '../../schemas/common.ts'
import { powerOrder, powerRequest, powersOrder, powersRequested } from '../../schemas/machines/power.ts'
import { findTargets } from '../actions.ts'
import { requireMachine } from '../machines.ts'
import { requestView } from './requests.ts'

const maxMachines = 10_000

export const single = endpoint({
  operationId: 'powerMachine',
  action: 'power.use',
  scope: 'machine',
  summary: 'Switch a machine on or off, cycle it, or read its power',
  description:
    'The server does it in the background: the Location header leads to the request. A machine has one open request at a time. An action that failed is not tried again.',
  params: z.object({ id: machineKey }),
  body: powerOrder,
  returns: powerRequest,
  statuses: { 202: 'Request waiting' },
  answer: async ({ db, power }, { params: { id }, body, by }) => {
    const machine = await requireMachine(db, id)
    const why = (await findPowerRefusals(db, [machine], body)).get(machine.id)
    if (why !== undefined) throw new ConflictError(`machine ${nameOf(machine)}: ${why}`)
    const [added] = await requestPower(db, [{ machineId: machine.id }], body, by)
    if (added === undefined) throw new ConflictError(`machine ${nameOf(machine)}: another power request has not ended`)
    setImmediate(power.wake)
    return { status: 202, body: requestView(added), headers: { location: `/api/v1/power-requests/${added.id}` } }
  },
})

export const many = endpoint({
  operationId: 'powerMachines',
  action: 'power.use',
  scope: 'filtered',
  summary: 'Switch many machines on or off, cycle them, or read their power',
  description:
    'The machines are chosen by a selector, by a filter as in the list, or by their ids. Preview with `dryRun`, and send the number of `requested` machines as `expect`. Machines that cannot be powered are skipped, each with the reason. The server powers BOOTWRIGHT_POWER_AT_ONCE machines at the same time.',
  body: powersOrder,
  returns: powersRequested,
  statuses: { 200: 'The requested and the skipped machines' },
  answer: async ({ db, power }, { body, by, scope }) => {
    const { selector, ids, filter, dryRun, expect } = body
    const search = selector === undefined ? await findTargets(db, ids, filter, scope) : { selector, scope }
    const machines = await findAllMachines(db, search)
    if (machines.length > maxMachines)
      throw new InputError({
        field: 'filter',
        value: `${machines.length} machines`,
        expected: `at most ${maxMachines}`,
      })
    const refusals = await findPowerRefusals(db, machines, body)
    const targets = machines.filter(({ id }) => !refusals.has(id))
    if (!dryRun && expect !== undefined && expect !== targets.length)
      throw new ConflictError(
        `${targets.length} machines would be powered now, not ${expect}: nothing was powered. Next step: preview again`,
      )
    const batch = newId()
    const added = dryRun
      ? []
      : await requestPower(
          db,
          targets.map(({ id }) => ({ machineId: id })),
          body,
          by,
          batch,
        )
    if (added.length > 0) setImmediate(power.wake)
    const idOf = new Map(added.map(({ id, machineId }) => [machineId, id]))
    const rows = machines.map((machine) => ({ machineId: machine.id, machine: nameOf(machine) }))
    const busy = 'another power request of the machine has not ended'
    const reasonOf = (id: string) => refusals.get(id) ?? (dryRun || idOf.has(id) ? undefined : busy)
    return {
      status: 200,
      body: {
        batch,
        requested: rows
          .filter(({ machineId }) => reasonOf(machineId) === undefined)
          .map((row) => ({ ...row, ...(idOf.has(row.machineId) && { id: idOf.get(row.machineId) }) })),
        skipped: rows.flatMap((row) => {
          const why = reasonOf(row.machineId)
          return why === undefined ? [] : [{ ...row, why }]
        }),
      },
    }
  },
})

async function requestPower(
  db: Db,
  targets: PowerTarget[],
  { action, network, force }: PowerOrder,
  by: Actor,
  batch?: string,
) {
  const { added } = await db.transaction((tx) => addPowerRequests(tx, targets, { action, network, force }, by, batch))
  return added
}
