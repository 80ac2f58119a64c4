// /groups: machines selected by facts and labels, and what they boot.
import { z } from '@hono/zod-openapi'
import { absentProgramNotices } from '../../decide/boot-program.ts'
import { etagOf } from '../../inventory/common/precondition.ts'
import {
  changeGroup,
  deleteGroup,
  findGroup,
  type Group,
  listGroups,
  saveGroup,
} from '../../inventory/machines/groups.ts'
import { requireFound } from '../../lib/errors.ts'
import { type Counted, counted, deletion } from '../changes/counted.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { page } from '../http/page.ts'
import { listQuery } from '../schemas/common.ts'
import { thingName } from '../schemas/machines/assignment.ts'
import { changeQuery, deletedSchema } from '../schemas/machines/concerns.ts'
import { groupList, groupPatch, groupPut, groupSchema } from '../schemas/machines/group.ts'

const params = z.object({ name: thingName })

export const list = endpoint({
  operationId: 'listGroups',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List groups by name',
  query: listQuery(thingName),
  returns: groupList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => {
    const { items, ...next } = await page(
      query.limit,
      (count) => listGroups(db, count, query.after),
      (group) => group.name,
    )
    return { status: 200, body: { items: items.map(bodyOf), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getGroup',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get a group',
  params,
  returns: groupSchema,
  statuses: { 200: 'The group' },
  answer: async ({ db, nbps }, { params: { name } }) => {
    const group = await findGroup(db, name)
    requireFound(group, `group ${name}`)
    return answerOf(nbps, group)
  },
})

export const put = endpoint({
  operationId: 'putGroup',
  action: 'groups.edit',
  summary: 'Create or replace a group',
  description:
    'Machines that match the selector boot what the group assigns, from their next boot on. Fields that the body leaves out are cleared. A group of every machine has `everybody: true` instead of conditions.',
  params,
  query: changeQuery,
  body: groupPut,
  conditional: true,
  returns: groupSchema,
  statuses: { 200: 'Group replaced', 201: 'Group created' },
  answer: async ({ db, nbps }, { params: { name }, query, body, precondition, by }) => {
    const { title, priority, selector, assignment } = body
    const content = { title: title ?? '', priority: priority ?? 0, selector: selector ?? [], assignment }
    const { result, concerns } = await counted(db, query, (on) => saveGroup(on, name, content, precondition, by))
    return answerOf(nbps, result.group, result.created, concerns)
  },
})

export const patch = endpoint({
  operationId: 'patchGroup',
  action: 'groups.edit',
  summary: 'Change fields of a group',
  description:
    'Fields that the body leaves out stay; null clears a field. The assignment is merged, its params and localBoot by name. `everybody: true` removes all conditions.',
  params,
  query: changeQuery,
  body: groupPatch,
  conditional: true,
  returns: groupSchema,
  statuses: { 200: 'Group changed' },
  answer: async ({ db, nbps }, { params: { name }, query, body: { everybody, ...given }, precondition, by }) => {
    const change = everybody ? { ...given, selector: [] } : given
    const changed = await counted(db, query, (on) => changeGroup(on, name, change, precondition, by))
    return answerOf(nbps, changed.result, false, changed.concerns)
  },
})

export const remove = endpoint({
  operationId: 'deleteGroup',
  action: 'groups.edit',
  summary: 'Delete a group and its secrets',
  params,
  query: changeQuery,
  conditional: true,
  returns: deletedSchema,
  statuses: { 200: 'With `count` or `dryRun`: the machines that it concerns', 204: 'Group deleted' },
  answer: async ({ db }, { params: { name }, query, precondition, by }) =>
    deletion(await counted(db, query, (on) => deleteGroup(on, name, precondition, by))),
})

function answerOf(nbps: AdminDeps['nbps'], group: Group, created = false, concerns?: Counted) {
  const headers = { etag: etagOf(group), ...(created && { location: `/api/v1/groups/${group.name}` }) }
  const notices = absentProgramNotices(group.assignment, nbps)
  const body = { ...bodyOf(group), ...(notices.length > 0 && { notices }), ...(concerns && { concerns }) }
  return { status: created ? (201 as const) : (200 as const), body, headers }
}

function bodyOf(group: Group) {
  return { ...group, everybody: group.selector.length === 0 }
}
