// Schemas of the machines of a rollout.
import { z } from '@hono/zod-openapi'
import { rolloutMachineStates } from '../../../model/rollout/rollout.ts'
import { limit, moment, pageOf, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'

const number = (what: string) =>
  z
    .string()
    .regex(/^[0-9]{1,6}$/, what)
    .transform(Number)

export const rolloutMachinesQuery = z.strictObject({
  limit,
  after: number('the `next` of a page')
    .optional()
    .openapi({ type: 'integer', description: 'The `next` value of the previous page.' }),
  state: z.enum(rolloutMachineStates).optional(),
  wave: number('the number of a wave, from 1 on').optional().openapi({ type: 'integer', minimum: 1 }),
})

const rolloutMachine = z
  .object({
    machineId: uuidv7,
    machine: z.string(),
    place: z.int().openapi({ description: 'The place in the order of the machines, from 0 on.' }),
    wave: z.int(),
    state: z.enum(rolloutMachineStates),
    attempt: z.int().openapi({ description: 'How often the machine was armed or assigned.' }),
    deploymentId: uuidv7.optional(),
    reason: z.string().optional(),
    actedAt: moment.optional().openapi({ description: 'When the machine was armed or assigned.' }),
    startedAt: moment.optional(),
    endedAt: moment.optional(),
  })
  .openapi('RolloutMachine')
export type RolloutMachine = Given<typeof rolloutMachine>

export const rolloutMachineList = pageOf(rolloutMachine).openapi('RolloutMachineList')
export type RolloutMachineList = Given<typeof rolloutMachineList>
