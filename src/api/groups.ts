import { z } from '@hono/zod-openapi'
import { NotFoundError } from '../errors.ts'
import { deleteGroup, findGroup, type Group, listGroups, saveGroup } from '../inventory/groups.ts'
import { etagOf } from '../inventory/precondition.ts'
import { assignment, selector, thingName } from './assignments.ts'
import { endpoint } from './endpoint.ts'
import { limit, moment, page, pageOf, printable } from './schemas.ts'

const priority = z.int('a whole number').min(-1_000_000).max(1_000_000)

const groupPut = z
  .strictObject({
    title: printable(128).optional(),
    priority: priority.default(0).openapi({ description: 'Of several groups that fit, the higher comes first.' }),
    selector,
    assignment,
  })
  .openapi('GroupPut')

const groupSchema = z
  .object({
    name: thingName,
    title: z.string(),
    priority,
    selector,
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
  answer: async ({ db }, { query }) => ({
    status: 200,
    body: await page(
      query.limit,
      (count) => listGroups(db, count, query.after),
      (one) => one.name,
    ),
  }),
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
  description: 'Machines that fit its selector boot what it assigns, from the next script on.',
  params,
  body: groupPut,
  conditional: true,
  returns: groupSchema,
  statuses: { 200: 'The group, replaced', 201: 'The group, new' },
  answer: async ({ db }, { params: { name }, body, precondition, by }) => {
    const content = { ...body, title: body.title ?? '' }
    const { group, created } = await saveGroup(db, name, content, precondition, by)
    return shown(group, created)
  },
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
  return { status: created ? (201 as const) : (200 as const), body: group, headers }
}
