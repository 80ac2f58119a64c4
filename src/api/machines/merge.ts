// Merging two machines, and listing requests that match several machines.
import { z } from '@hono/zod-openapi'
import { etagOf } from '../../inventory/common/precondition.ts'
import { listConflicts } from '../../inventory/machines/identity/conflicts.ts'
import { mergeMachines } from '../../inventory/machines/merge.ts'
import { countedMachines } from '../changes/counted.ts'
import { endpoint } from '../http/endpoint.ts'
import { machineKey } from '../schemas/common.ts'
import { changeQuery } from '../schemas/machines/concerns.ts'
import { conflictList, machineMerge, machineSaved } from '../schemas/machines/machine.ts'

export const merge = endpoint({
  operationId: 'mergeMachine',
  action: 'machines.edit',
  summary: 'Merge two machines into one',
  description:
    'This machine keeps the fields that are entered for it. It takes over the other fields, the MAC addresses, boots, deployments and secrets of the other machine. From then on the id of the other machine means this machine.',
  params: z.object({ id: machineKey }),
  query: changeQuery,
  body: machineMerge,
  returns: machineSaved,
  statuses: { 200: 'Machines merged' },
  answer: async ({ db }, { params: { id }, query, body: { from }, by }) => {
    const { result, concerns } = await countedMachines(db, query, [id, from], (on) => mergeMachines(on, id, from, by))
    return { status: 200, body: { ...result, ...(concerns && { concerns }) }, headers: { etag: etagOf(result) } }
  },
})

export const conflicts = endpoint({
  operationId: 'listConflicts',
  action: 'inventory.read',
  summary: 'List requests that matched several machines and still do',
  returns: conflictList,
  statuses: { 200: 'The conflicts, newest first' },
  answer: async ({ db, inventory }) => ({
    status: 200,
    body: { items: await listConflicts(db, inventory.findSituation) },
  }),
})
