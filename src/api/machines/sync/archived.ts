// /machines/archived: machines that were taken out of use.
import { z } from '@hono/zod-openapi'
import { etagOf } from '../../../inventory/common/precondition.ts'
import { archiveMachine, deleteArchived, restoreMachine } from '../../../inventory/machines/archive/archive.ts'
import { findArchivedById, listArchived } from '../../../inventory/machines/archive/archived.ts'
import { requireFound } from '../../../lib/errors.ts'
import { countedMachines, deletion } from '../../changes/counted.ts'
import { endpoint } from '../../http/endpoint.ts'
import { page } from '../../http/page.ts'
import { machineKey, uuidv7 } from '../../schemas/common.ts'
import { changeQuery, deletedSchema } from '../../schemas/machines/concerns.ts'
import { machineSaved } from '../../schemas/machines/machine.ts'
import { archivedList, archivedMachine, archivedOf, archivedQuery } from '../../schemas/machines/sync.ts'

const params = z.object({ id: uuidv7 })

export const list = endpoint({
  operationId: 'listArchivedMachines',
  action: 'inventory.read',
  summary: 'List archived machines, the newest first',
  query: archivedQuery,
  returns: archivedList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit, after, q } }) => ({
    status: 200,
    body: await page(
      limit,
      async (count) => (await listArchived(db, { q, after }, count)).map(archivedOf),
      ({ id }) => id,
    ),
  }),
})

export const get = endpoint({
  operationId: 'getArchivedMachine',
  action: 'inventory.read',
  summary: 'Get an archived machine',
  params,
  returns: archivedMachine,
  statuses: { 200: 'The archived machine' },
  answer: async ({ db }, { params: { id } }) => {
    const found = await findArchivedById(db, id)
    requireFound(found, `archived machine ${id}`)
    return { status: 200, body: archivedOf(found) }
  },
})

export const archive = endpoint({
  operationId: 'archiveMachine',
  action: 'machines.edit',
  summary: 'Archive a machine: take it out of use, and keep its values and history',
  description:
    'An archived machine decides nothing: if it boots, it is an unknown machine. It is deleted after BOOTWRIGHT_KEEP_ARCHIVED_DAYS. A sync does not restore a machine that a person archived. If a deployment of it is active, the answer is 409.',
  params: z.object({ id: machineKey }),
  query: changeQuery,
  returns: deletedSchema,
  statuses: { 200: 'With `count` or `dryRun`: the machines that it concerns', 204: 'Machine archived' },
  answer: async ({ db }, { params: { id }, query, by }) =>
    deletion(await countedMachines(db, query, [id], (on) => archiveMachine(on, id, by))),
})

export const restore = endpoint({
  operationId: 'restoreMachine',
  action: 'machines.edit',
  summary: 'Restore an archived machine with its values, deployments and boots',
  description:
    'MAC addresses that another entered machine has now stay there. An assignment that names a deleted image, menu or answer file is not restored. From then on the machine is a person’s: no sync archives it.',
  params,
  query: changeQuery,
  returns: machineSaved,
  statuses: { 200: 'Machine restored' },
  answer: async ({ db }, { params: { id }, query, by }) => {
    const restored = await countedMachines(
      db,
      query,
      [],
      (on) => restoreMachine(on, id, by),
      (machine) => machine.id,
    )
    const { result: machine, concerns } = restored
    return { status: 200, body: { ...machine, ...(concerns && { concerns }) }, headers: { etag: etagOf(machine) } }
  },
})

export const remove = endpoint({
  operationId: 'deleteArchivedMachine',
  action: 'machines.edit',
  summary: 'Delete an archived machine before its time',
  params,
  statuses: { 204: 'Archived machine deleted' },
  answer: async ({ db }, { params: { id }, by }) => {
    await deleteArchived(db, id, by)
    return { status: 204 }
  },
})
