// /machines: machines, with the fields that operators enter and the facts that machines report.
import { z } from '@hono/zod-openapi'
import { absentProgramNotices } from '../../decide/boot-program.ts'
import { deleteDeployedMachine } from '../../inventory/boots/deployment-cancels.ts'
import { etagOf } from '../../inventory/common/precondition.ts'
import type { MachineChange } from '../../inventory/machines/fields.ts'
import { forgetDiscovered } from '../../inventory/machines/identity/discovered.ts'
import { cursorOf, searchMachines } from '../../inventory/machines/list.ts'
import { findMachine, newMachine, saveMachine } from '../../inventory/machines/machines.ts'
import { namesakesOf, noMachine } from '../../inventory/machines/names.ts'
import { InputError } from '../../lib/errors.ts'
import type { Scope } from '../../model/access/scope.ts'
import type { Machine, MachineKey } from '../../model/machine.ts'
import { forbiddenForScope } from '../access/rights.ts'
import { type Counted, countedMachine, countedMachines, deletion } from '../changes/counted.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { page } from '../http/page.ts'
import { limit, machineKey, textFlag } from '../schemas/common.ts'
import { changeQuery, deletedSchema } from '../schemas/machines/concerns.ts'
import {
  forgetQuery,
  forgottenSchema,
  machineChange,
  machineList,
  machineSaved,
  machineSchema,
} from '../schemas/machines/machine.ts'
import { cursorParameter, formatCursor, machineSearch, sortOf, sortParameter } from '../schemas/machines/search.ts'
import { findSearch } from './search.ts'

const params = z.object({ id: machineKey })

export const list = endpoint({
  operationId: 'listMachines',
  action: 'inventory.read',
  scope: 'filtered',
  summary: 'List machines',
  query: z.strictObject({ limit, after: cursorParameter, sort: sortParameter, ...machineSearch }),
  returns: machineList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: max, after, sort: sorted, ...search }, scope }) => {
    const sort = sortOf(sorted)
    if (after !== undefined && (after.by !== sort.by || after.descending !== sort.descending))
      throw new InputError({ field: 'after', value: after.by, expected: 'the next value of a page with the same sort' })
    const found = await findSearch(db, search, scope)
    const body = await page(
      max,
      (count) => searchMachines(db, found, sort, count, after?.cursor),
      (machine) => formatCursor(sort, cursorOf(machine, sort)),
    )
    return { status: 200, body }
  },
})

export const get = endpoint({
  operationId: 'getMachine',
  action: 'inventory.read',
  scope: 'machine',
  summary: 'Get a machine',
  params,
  returns: machineSchema,
  statuses: { 200: 'The machine' },
  answer: async (deps, { params: { id }, scope }) => {
    const machine = await requireMachine(deps.db, id)
    const { identity } = await deps.inventory.findSituation({
      ...machine.facts,
      ...(machine.macs[0] && { mac: machine.macs[0] }),
    })
    return answerOf(deps, machine, { doubts: 'notices' in identity ? identity.notices : [], scope })
  },
})

export const put = endpoint({
  operationId: 'putMachine',
  // A token for some machines may not replace one: that clears its labels.
  action: 'machines.edit',
  summary: 'Create or replace a machine',
  description:
    'Fields that the body leaves out are cleared, except the MAC addresses. If the URL has a MAC address that no machine has, a machine is created.',
  params,
  query: changeQuery,
  body: machineChange,
  conditional: true,
  returns: machineSaved,
  statuses: { 200: 'Machine replaced', 201: 'Machine created' },
  answer: async (deps, { params: { id }, query, body, precondition, by }) => {
    const { result, concerns } = await countedMachine(deps.db, query, id, (on) =>
      saveMachine(on, id, body, { ...precondition, replace: true }, by),
    )
    return answerOf(deps, result.machine, { created: result.created, concerns })
  },
})

export const create = endpoint({
  operationId: 'createMachine',
  action: 'machines.edit',
  summary: 'Create a machine by its UUID, its serial with product, or its MAC addresses',
  description:
    'A machine without MAC addresses is identified by its UUID, or by its serial with product, until a second machine reports the same values.',
  query: changeQuery,
  body: machineChange,
  returns: machineSaved,
  statuses: { 201: 'Machine created' },
  answer: async (deps, { query, body, by }) => {
    const [first] = body.macs ?? []
    const key = first === undefined ? newMachine : { mac: first }
    const { result, concerns } = await countedMachine(deps.db, query, key, (on) =>
      saveMachine(on, key, body, { ifNoneMatch: '*', replace: true }, by),
    )
    return answerOf(deps, result.machine, { created: true, concerns })
  },
})

export const forget = endpoint({
  operationId: 'forgetDiscovered',
  action: 'machines.edit',
  summary: 'Delete discovered machines: all of them, those not seen recently, or those from one address',
  description:
    'Machines that an operator entered are never deleted here. The boots of deleted machines stay. A deleted machine that boots again is discovered again.',
  query: forgetQuery,
  returns: forgottenSchema,
  statuses: { 200: 'The number of machines' },
  answer: async ({ db }, { query: { dryRun = false, ...filter }, by }) => {
    const forgotten = await forgetDiscovered(db, filter, { limit: 100_000, dryRun }, by)
    return { status: 200, body: { forgotten, applied: !dryRun } }
  },
})

export const patch = endpoint({
  operationId: 'patchMachine',
  action: 'machines.edit',
  scope: 'machine',
  summary: 'Change fields of a machine',
  description: 'Fields that the body leaves out stay. Labels, params and localBoot are merged by name.',
  params,
  query: changeQuery,
  body: machineChange,
  conditional: true,
  returns: machineSaved,
  statuses: { 200: 'Machine changed' },
  answer: async (deps, { params: { id: key }, query, body, precondition, by, scope }) => {
    refuseOtherMachines(scope, body)
    const { id } = await requireMachine(deps.db, key)
    const { result, concerns } = await countedMachine(deps.db, query, { id }, (on) =>
      saveMachine(on, { id }, body, precondition, by),
    )
    return answerOf(deps, result.machine, { scope, concerns })
  },
})

export const remove = endpoint({
  operationId: 'deleteMachine',
  action: 'machines.edit',
  scope: 'machine',
  summary: 'Delete a machine and its deployments',
  description: 'The boots of the machine stay. If a deployment of it is active, the answer is a conflict (409).',
  params,
  query: changeQuery.extend({
    cancelDeployment: textFlag.openapi({ description: 'Cancel the active deployment of the machine.' }),
  }),
  conditional: true,
  returns: deletedSchema,
  statuses: { 200: 'With `count` or `dryRun`: the machines that it concerns', 204: 'Machine deleted' },
  answer: async ({ db }, { params: { id }, query: { cancelDeployment = false, ...query }, precondition, by }) =>
    deletion(
      await countedMachines(db, query, [id], (on) => deleteDeployedMachine(on, id, cancelDeployment, precondition, by)),
    ),
})

/**
 * A token with a scope changes neither the identity nor the labels of its machines: a MAC would add a machine of another scope, and a
 * label would remove one.
 * @throws ForbiddenError
 */
function refuseOtherMachines(scope: Scope | undefined, { macs, uuid, serial, product, labels }: MachineChange): void {
  const deciding = [macs, uuid, serial, product, labels].some((value) => value !== undefined)
  if (scope !== undefined && deciding) throw forbiddenForScope(scope)
}

type Answered = {
  created?: boolean
  doubts?: string[]
  scope?: Scope | undefined
  concerns?: Counted | undefined
}
type AnswerDeps = Pick<AdminDeps, 'db' | 'nbps'>

/** @param scope of the client: with a scope, it gets no names of other machines */
async function answerOf(
  { db, nbps }: AnswerDeps,
  machine: Machine,
  { created = false, doubts = [], scope, concerns }: Answered,
) {
  const headers = { etag: etagOf(machine), ...(created && { location: `/api/v1/machines/${machine.id}` }) }
  const namesakes = await namesakesOf(db, machine)
  const ambiguous = `other machines have the host name ${machine.hostname} too${scope === undefined ? `: ${namesakes.join(', ')}` : ''}; to tell them apart, use a MAC address in commands and URLs`
  const absent = absentProgramNotices(machine.assignment, nbps)
  const notices = [...(namesakes.length > 0 ? [ambiguous] : []), ...absent, ...doubts]
  const body = { ...machine, ...(notices.length > 0 && { notices }), ...(concerns && { concerns }) }
  return { status: created ? (201 as const) : (200 as const), body, headers }
}

/** @throws NotFoundError */
export async function requireMachine(db: AdminDeps['db'], key: MachineKey): Promise<Machine> {
  const machine = await findMachine(db, key)
  if (machine === undefined) throw noMachine(key)
  return machine
}
