// Request and response schemas of a group of machines.
import { z } from '@hono/zod-openapi'
import { history, onlyTrue, pageOf, printable } from '../common.ts'
import type { Given } from '../json.ts'
import { assignment, assignmentChange, selector, thingName } from './assignment.ts'
import { concerns } from './concerns.ts'

const selectorExpected = 'at least one condition, or everybody: true for a group of every machine'
const priority = z.int('a whole number').min(-1_000_000).max(1_000_000)

const everybody = onlyTrue.optional().openapi({
  description: 'The group contains every machine. Required in place of conditions, so that it is never an accident.',
})

export const groupPut = z
  .strictObject({
    title: printable(128).nullish(),
    priority: priority.nullish().openapi({ description: 'If several groups match, the highest priority comes first.' }),
    selector: selector.optional(),
    everybody,
    assignment,
  })
  .superRefine(refuseEmptySelector)
  .superRefine(({ selector: conditions, everybody: all }, context) => {
    if (conditions === undefined && all === undefined)
      context.addIssue({ code: 'custom', path: ['selector'], message: selectorExpected })
  })
  .openapi('GroupPut')

export const groupPatch = z
  .strictObject({
    title: printable(128).nullish(),
    priority: priority.nullish(),
    selector: selector.optional().openapi({ description: 'Replaces all conditions.' }),
    everybody,
    assignment: assignmentChange.nullish(),
  })
  .superRefine(refuseEmptySelector)
  .openapi('GroupPatch', { description: 'Absent fields stay; null clears a field.' })

export const groupSchema = z
  .object({
    name: thingName,
    title: z.string(),
    priority,
    selector,
    everybody: z.boolean().openapi({ description: 'True if there are no conditions.' }),
    assignment,
    ...history,
  })
  .extend({
    notices: z
      .array(z.string())
      .optional()
      .openapi({ description: 'Warnings about this group for operators. Not in lists.' }),
    concerns,
  })
  .openapi('Group')
export type Group = Given<typeof groupSchema>

export const groupList = pageOf(groupSchema).openapi('GroupList')

function refuseEmptySelector(
  { selector: conditions, everybody: all }: { selector?: unknown[] | undefined; everybody?: true | undefined },
  context: z.RefinementCtx,
): void {
  const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  if (conditions?.length === 0 && all === undefined) fault('selector', selectorExpected)
  if (all && (conditions?.length ?? 0) > 0) fault('everybody', 'no conditions together with it')
}
