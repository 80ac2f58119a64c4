// Request and response schemas of an action on many machines.

import { z } from '@hono/zod-openapi'
import { hostname, uuidv7 } from '../common.ts'
import type { Given, Sent } from '../json.ts'
import { assignmentChange } from './assignment.ts'
import { concernsSchema } from './concerns.ts'
import { machineChange } from './machine.ts'
import { machineSearch } from './search.ts'

export const machineFilter = z
  .strictObject({ ...machineSearch, discovered: z.boolean().optional(), denied: z.boolean().optional() })
  .openapi('MachineFilter', { description: 'The parameters that select machines in the list.' })

export const machineIds = z
  .array(uuidv7)
  .min(1, 'at least one id')
  .max(10_000, 'at most 10000 ids')
  .refine((all) => new Set(all).size === all.length, 'each id once')

const onlyTrue = z.literal(true, { error: 'true' }).openapi({ type: 'boolean' })

const actions = {
  assign: assignmentChange.nullable().openapi({ description: 'Change the assignment; null clears it.' }),
  labels: machineChange.shape.labels.unwrap().unwrap().openapi({ description: 'Set labels; null removes one.' }),
  deny: onlyTrue.openapi({ description: 'Refuse the boots of the machines.' }),
  allow: onlyTrue.openapi({ description: 'Allow the machines to boot again.' }),
  enter: z
    .strictObject({ hostnames: z.record(uuidv7, hostname).optional() })
    .openapi({ description: 'Enter discovered machines, with host names by id if wished.' }),
  delete: onlyTrue.openapi({ description: 'Delete the machines with their ended deployments. Needs `expect`.' }),
}

export const machineAction = z
  .strictObject(
    Object.fromEntries(Object.entries(actions).map(([name, schema]) => [name, schema.optional()])) as {
      [A in keyof typeof actions]: z.ZodOptional<(typeof actions)[A]>
    },
  )
  .refine((given) => Object.values(given).filter((value) => value !== undefined).length === 1, {
    message: `exactly one of ${Object.keys(actions).join(', ')}`,
  })
  .openapi('MachineAction')

export const machinesAct = z
  .strictObject({
    ids: machineIds.optional(),
    filter: machineFilter.optional(),
    action: machineAction,
    dryRun: z.boolean().default(false).openapi({ description: 'Change nothing; report what would change.' }),
    expect: z.int().min(0).optional().openapi({
      description:
        'The `changed` of the preview. If another number of machines would change, nothing does, and the answer is a conflict (409). Required to delete, and for an empty filter.',
    }),
  })
  .superRefine(({ ids, filter, action, dryRun, expect }, context) => {
    if ((ids === undefined) === (filter === undefined))
      context.addIssue({ code: 'custom', path: ['filter'], message: 'either ids or a filter' })
    const all = filter !== undefined && Object.values(filter).every((value) => value === undefined)
    if (!dryRun && expect === undefined && (action.delete || all))
      context.addIssue({ code: 'custom', path: ['expect'], message: 'the number of machines that the preview shows' })
  })
  .openapi('MachinesAct')
export type MachinesAct = Sent<typeof machinesAct>

const difference = z.object({
  field: z.string().openapi({ example: 'labels.rack' }),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
})

export const machinesActed = z
  .object({
    matched: z.int().openapi({ description: 'Machines that match.' }),
    changed: z.int().openapi({ description: 'Machines that change, or are deleted.' }),
    unchanged: z.int().openapi({ description: 'Machines that are already as wished.' }),
    missing: z.int().openapi({ description: 'Given ids that no machine has.' }),
    refused: z
      .array(z.object({ why: z.string(), count: z.int(), machines: z.array(z.string()) }))
      .openapi({ description: 'Why machines stay as they are, with the names of up to five.' }),
    examples: z
      .array(z.object({ id: uuidv7, machine: z.string(), differences: z.array(difference) }))
      .openapi({ description: 'The first 20 machines that change.' }),
    applied: z.boolean(),
    concerns: concernsSchema,
    undo: z.string().optional().openapi({
      description: 'After a deletion: the path of the deleted machines, in the format of the bulk upload.',
    }),
  })
  .openapi('MachinesActed')
export type MachinesActed = Given<typeof machinesActed>
