// /machines/{id}/power: how a machine is powered.
import { z } from '@hono/zod-openapi'
import { etagOf } from '../../../inventory/common/precondition.ts'
import { listPowerRequests } from '../../../inventory/machines/power/requests.ts'
import { deletePower, findPower, type MachinePower, savePower } from '../../../inventory/machines/power/settings.ts'
import { NotFoundError } from '../../../lib/errors.ts'
import { nameOf } from '../../../model/machine.ts'
import { powerCan } from '../../../model/power/power.ts'
import { type AdminDeps, endpoint } from '../../http/endpoint.ts'
import { machineKey } from '../../schemas/common.ts'
import { powerPut, powerView, settingOf } from '../../schemas/machines/power.ts'
import { requireMachine } from '../machines.ts'
import { requestView } from './requests.ts'

const params = z.object({ id: machineKey })

export const get = endpoint({
  operationId: 'getPower',
  action: 'inventory.read',
  scope: 'machine',
  summary: 'Get how a machine is powered, and its newest power request',
  description: 'The BMC is not asked: POST the action state for that.',
  params,
  returns: powerView,
  statuses: { 200: 'The setting' },
  answer: async ({ db }, { params: { id } }) => {
    const machine = await requireMachine(db, id)
    const power = await findPower(db, machine.id)
    if (power === undefined)
      throw new NotFoundError(
        `machine ${nameOf(machine)} has no power setting. Next step: bootwright machine power set`,
      )
    return answerOf(db, power)
  },
})

export const put = endpoint({
  operationId: 'putPower',
  action: 'power.edit',
  scope: 'machine',
  summary: 'Set how a machine is powered',
  description: `Nothing is powered. The server connects to the URL of a BMC only when a power request asks for it. It follows no redirect, uses no
proxy, and connects to no loopback or link-local address. BOOTWRIGHT_BMC_SUBNETS permits other addresses, or fewer.`,
  params,
  body: powerPut,
  conditional: true,
  returns: powerView,
  statuses: { 200: 'Setting changed', 201: 'Setting created' },
  answer: async ({ db, sealer }, { params: { id }, body, precondition, by }) => {
    const machine = await requireMachine(db, id)
    const { power, created } = await savePower(db, sealer, machine.id, settingOf(body), precondition, by)
    return { ...(await answerOf(db, power)), status: created ? 201 : 200 }
  },
})

export const remove = endpoint({
  operationId: 'deletePower',
  action: 'power.edit',
  scope: 'machine',
  summary: 'Delete how a machine is powered, with the password',
  params,
  conditional: true,
  statuses: { 204: 'Setting deleted' },
  answer: async ({ db }, { params: { id }, precondition, by }) => {
    await deletePower(db, (await requireMachine(db, id)).id, precondition, by)
    return { status: 204 }
  },
})

async function answerOf(db: AdminDeps['db'], power: MachinePower) {
  const { setting, machineId, createdAt, updatedAt, revision } = power
  const [last] = await listPowerRequests(db, { machineId }, 1)
  const body = {
    ...setting,
    actions: [...powerCan[setting.kind].actions],
    bootsFromNetwork: powerCan[setting.kind].bootsFromNetwork,
    ...(last && { last: requestView(last) }),
    ...{ createdAt, updatedAt, revision },
  }
  return { status: 200 as const, body, headers: { etag: etagOf(power) } }
}
