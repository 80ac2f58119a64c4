// /machines/{id}/release: who owns the fields of a machine.
import { z } from '@hono/zod-openapi'
import { etagOf } from '../../../inventory/common/precondition.ts'
import { releaseMachine } from '../../../inventory/machines/sync/release.ts'
import { endpoint } from '../../http/endpoint.ts'
import { machineKey } from '../../schemas/common.ts'
import { machineSchema } from '../../schemas/machines/machine.ts'
import { machineRelease } from '../../schemas/machines/sync.ts'

export const release = endpoint({
  operationId: 'releaseMachine',
  action: 'machines.edit',
  summary: 'Set the owner of fields of a machine, or end what an owner has of it',
  description:
    'With `fields`, the values stay until the next synchronization of the owner replaces them. With `from`, all fields of that owner become fields of people, and the owner no longer names the machine.',
  params: z.object({ id: machineKey }),
  body: machineRelease,
  returns: machineSchema,
  statuses: { 200: 'The machine with its owners' },
  answer: async ({ db }, { params: { id }, body, by }) => {
    const machine = await releaseMachine(db, id, body, by)
    return { status: 200, body: machine, headers: { etag: etagOf(machine) } }
  },
})
