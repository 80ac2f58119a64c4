import { z } from '@hono/zod-openapi'
import { etagOf } from '../../inventory/common/precondition.ts'
import { listConflicts } from '../../inventory/machines/identity/conflicts.ts'
import { mergeMachines } from '../../inventory/machines/merge.ts'
import { endpoint } from '../http/endpoint.ts'
import { machineKey, moment, uuidv7 } from '../schemas/common.ts'
import { factsSchema, machineSchema } from './machines.ts'

export const merge = endpoint({
  operationId: 'mergeMachine',
  summary: 'Make two machines one',
  description:
    'This one keeps what is said of it, and takes over what is not, and the MACs, boots, deployments and secrets of the other, whose id goes on to mean this one.',
  params: z.object({ id: machineKey }),
  body: z.strictObject({ from: machineKey }).openapi('MachineMerge'),
  returns: machineSchema,
  statuses: { 200: 'The machine, with all that was of both' },
  answer: async ({ db }, { params: { id }, body, by }) => {
    const machine = await mergeMachines(db, id, body.from, by)
    return { status: 200, body: machine, headers: { etag: etagOf(machine) } }
  },
})

const conflictSchema = z
  .object({
    machines: z.array(z.object({ id: uuidv7, name: z.string() })),
    why: z.string(),
    facts: factsSchema,
    firstAt: moment,
    lastAt: moment,
    times: z.int(),
  })
  .openapi('Conflict', {
    description: 'Several machines that lay claim to one request: it is refused until one gives way.',
  })

export const conflicts = endpoint({
  operationId: 'listConflicts',
  summary: 'Requests that several machines laid claim to, and still would',
  returns: z.object({ items: z.array(conflictSchema) }).openapi('ConflictList'),
  statuses: { 200: 'The conflicts, newest first' },
  answer: async ({ db, findSituation }) => ({ status: 200, body: { items: await listConflicts(db, findSituation) } }),
})
