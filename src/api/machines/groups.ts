import { z } from '@hono/zod-openapi'
import { etagOf } from '../../inventory/common/precondition.ts'
import {
  changeGroup,
  deleteGroup,
  findGroup,
  type Group,
  listGroups,
  saveGroup,
} from '../../inventory/machines/groups.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { endpoint } from '../http/endpoint.ts'
import { limit, moment, onlyTrue, page, pageOf, printable } from '../schemas/common.ts'
import { assignment, assignmentChange, selector, thingName } from '../schemas/machines/assignment.ts'

const selectorExpected = 'at least one condition, or everybody: true for a group of every machine'
const priority = z.int('a whole number').min(-1_000_000).max(1_000_000)

const everybody = onlyTrue.optional().openapi({
  description: 'The group is of every machine: said in so many words instead of conditions.',
})

const groupPut = z
  .strictObject({
    title: printable(128).nullish(),
    priority: priority.nullish().openapi({ description: 'Of several groups that fit, the higher comes first.' }),
    selector: selector.optional(),
    everybody,
    assignment,
  })
  .superRefine(refuseEmptySelector)
  .superRefine(({ selector: given, everybody: all }, context) => {
    if (given === undefined && all === undefined)
      context.addIssue({ code: 'custom', path: ['selector'], message: selectorExpected })
  })
  .openapi('GroupPut')

const groupPatch = z
  .strictObject({
    title: printable(128).nullish(),
    priority: priority.nullish(),
    selector: selector.optional().openapi({ description: 'Replaces all conditions.' }),
    everybody,
    assignment: assignmentChange.nullish(),
  })
  .superRefine(refuseEmptySelector)
  .openapi('GroupPatch', { description: 'What is absent stays; null clears.' })

const groupSchema = z
  .object({
    name: thingName,
    title: z.string(),
    priority,
    selector,
    everybody: z.boolean().openapi({ description: 'True where there are no conditions.' }),
    assignment,
    revision: z.int(),
    createdAt: moment,
    updatedAt: moment,
  })
  .openapi('Group')

const params = z.object({ name: thingName })

export const list = endpoint({
  operationId: 'listGroups',
  summary: 'Groups by name',
  query: z.strictObject({
    limit,
    after: thingName.optional().openapi({ description: 'The `next` of the page before.' }),
  }),
  returns: pageOf(groupSchema).openapi('GroupList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => {
    const { items, ...next } = await page(
      query.limit,
      (count) => listGroups(db, count, query.after),
      (one) => one.name,
    )
    return { status: 200, body: { items: items.map(bodyOf), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getGroup',
  summary: 'A group',
  params,
  returns: groupSchema,
  statuses: { 200: 'The group' },
  answer: async ({ db }, { params: { name } }) => {
    const group = await findGroup(db, name)
    if (group === undefined) throw new NotFoundError(`there is no group ${name}`)
    return shown(group)
  },
})

export const put = endpoint({
  operationId: 'putGroup',
  summary: 'Make or replace a group',
  description:
    'Machines that fit its selector boot what it assigns, from the next script on. What the body leaves out is cleared. A group of every machine has `everybody: true` instead of conditions.',
  params,
  body: groupPut,
  conditional: true,
  returns: groupSchema,
  statuses: { 200: 'The group, replaced', 201: 'The group, new' },
  answer: async ({ db }, { params: { name }, body, precondition, by }) => {
    const { title, priority: given, selector: conditions, assignment: assigned } = body
    const content = { title: title ?? '', priority: given ?? 0, selector: conditions ?? [], assignment: assigned }
    const { group, created } = await saveGroup(db, name, content, precondition, by)
    return shown(group, created)
  },
})

export const patch = endpoint({
  operationId: 'patchGroup',
  summary: 'Change some of a group',
  description:
    'What the body leaves out stays; null clears. The assignment is merged, its params and localBoot by name. `everybody: true` takes all conditions away.',
  params,
  body: groupPatch,
  conditional: true,
  returns: groupSchema,
  statuses: { 200: 'The group, changed' },
  answer: async ({ db }, { params: { name }, body: { everybody: all, ...change }, precondition, by }) =>
    shown(await changeGroup(db, name, all ? { ...change, selector: [] } : change, precondition, by)),
})

export const remove = endpoint({
  operationId: 'deleteGroup',
  summary: 'Delete a group with its secrets',
  params,
  conditional: true,
  statuses: { 204: 'It is gone' },
  answer: async ({ db }, { params: { name }, precondition, by }) => {
    await deleteGroup(db, name, precondition, by)
    return { status: 204 }
  },
})

function shown(group: Group, created = false) {
  const headers = { etag: etagOf(group), ...(created && { location: `/api/v1/groups/${group.name}` }) }
  return { status: created ? (201 as const) : (200 as const), body: bodyOf(group), headers }
}

function bodyOf(group: Group) {
  return { ...group, everybody: group.selector.length === 0 }
}

function refuseEmptySelector(given: { selector?: unknown[]; everybody?: true }, context: z.RefinementCtx): void {
  const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  if (given.selector?.length === 0 && given.everybody === undefined) fault('selector', selectorExpected)
  if (given.everybody && (given.selector?.length ?? 0) > 0) fault('everybody', 'no conditions beside it')
}
