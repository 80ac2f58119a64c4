// /people: people who sign in to the page.
import { z } from '@hono/zod-openapi'
import { addPerson, linkUrl } from '../../auth/links.ts'
import { type NewLink, resetPerson } from '../../inventory/access/password-links.ts'
import { changePerson, deletePerson, listPeople, type Person, requirePerson } from '../../inventory/access/people.ts'
import { revokeSessionsOf } from '../../inventory/access/sessions.ts'
import { etagOf } from '../../inventory/common/precondition.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import {
  personCreate,
  personKey,
  personLink,
  personList,
  personName,
  personPatch,
  personSchema,
} from '../schemas/access/person.ts'
import { listQuery } from '../schemas/common.ts'

const params = z.object({ person: personKey })
const action = 'access.edit'

export const list = endpoint({
  operationId: 'listPeople',
  action,
  summary: 'List people by name',
  query: listQuery(personName),
  returns: personList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => {
    const { items, ...next } = await page(
      query.limit,
      (count) => listPeople(db, count, query.after),
      ({ name }) => name,
    )
    return { status: 200, body: { items: items.map(bodyOf), ...next } }
  },
})

export const create = endpoint({
  operationId: 'createPerson',
  action,
  summary: 'Add a person, and make a one-time link to set the password',
  description: 'The link works once, for 7 days. People of an OpenID provider are added by their first sign-in.',
  body: personCreate,
  returns: personLink,
  statuses: { 201: 'Person added' },
  answer: async (deps, { body, by }) => ({ status: 201, body: withLink(deps, await addPerson(deps.db, body, by)) }),
})

export const get = endpoint({
  operationId: 'getPerson',
  action,
  summary: 'Get a person',
  params,
  returns: personSchema,
  statuses: { 200: 'The person' },
  answer: async ({ db }, { params: { person } }) => answerOf(await requirePerson(db, person)),
})

export const patch = endpoint({
  operationId: 'patchPerson',
  action,
  summary: 'Change the role of a person, or disable or enable the person',
  description:
    'A change ends all sessions of the person. The last enabled admin with a password cannot be disabled, and keeps the role. The role of a person of an OpenID provider follows the groups there.',
  params,
  body: personPatch,
  conditional: true,
  returns: personSchema,
  statuses: { 200: 'Person changed' },
  answer: async ({ db }, { params: { person }, body, precondition, by }) => {
    const { id } = await requirePerson(db, person)
    return answerOf(await changePerson(db, id, body, precondition, by))
  },
})

export const remove = endpoint({
  operationId: 'deletePerson',
  action,
  summary: 'Delete a person, with all sessions',
  description: 'The last enabled admin with a password cannot be deleted.',
  params,
  conditional: true,
  statuses: { 204: 'Person deleted' },
  answer: async ({ db }, { params: { person }, precondition, by }) => {
    const { id } = await requirePerson(db, person)
    await deletePerson(db, id, precondition, by)
    return { status: 204 }
  },
})

export const reset = endpoint({
  operationId: 'resetPerson',
  action,
  summary: 'Make a one-time link to set a new password',
  description:
    'Ends all sessions of the person and any lockout. Earlier links of the person are void. The password is valid until the link is used; to stop the person at once, set `disabled`.',
  params,
  returns: personLink,
  statuses: { 200: 'The link' },
  answer: async (deps, { params: { person }, by }) => {
    const { id } = await requirePerson(deps.db, person)
    return { status: 200, body: withLink(deps, await resetPerson(deps.db, id, by)) }
  },
})

export const revokeSessions = endpoint({
  operationId: 'revokeSessionsOfPerson',
  action,
  summary: 'Revoke all sessions of a person',
  params,
  statuses: { 204: 'Sessions revoked' },
  answer: async ({ db }, { params: { person }, by }) => {
    const found = await requirePerson(db, person)
    await db.transaction((tx) => revokeSessionsOf(tx, found, by))
    return { status: 204 }
  },
})

function withLink(
  { adminUrl }: Pick<AdminDeps, 'adminUrl'>,
  { person, link }: { person: Person; link: NewLink },
): z.input<typeof personLink> {
  return { person: bodyOf(person), link: { url: linkUrl(adminUrl(), link), expiresAt: link.expiresAt } }
}

function answerOf(person: Person) {
  return { status: 200 as const, body: bodyOf(person), headers: { etag: etagOf(person) } }
}

function bodyOf(person: Person) {
  return { ...withoutNulls(person), disabled: person.disabledAt !== null }
}
