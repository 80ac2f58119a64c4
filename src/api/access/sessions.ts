// /sessions: signed-in browsers of all people; /me/sessions: those of the client's own person.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Principal } from '../../auth/principal.ts'
import { requirePerson } from '../../inventory/access/people.ts'
import { listSessions, revokeSession, type SessionRecord } from '../../inventory/access/sessions.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { type ApiEnv, endpoint } from '../http/endpoint.ts'
import { sessionList, sessionQuery } from '../schemas/access/person.ts'
import { uuidv7 } from '../schemas/common.ts'

const params = z.object({ id: uuidv7 })

export const list = endpoint({
  operationId: 'listSessions',
  action: 'access.edit',
  summary: 'List the sessions of people, the most recently used first',
  query: sessionQuery,
  returns: sessionList,
  statuses: { 200: 'At most 1000 sessions' },
  answer: async ({ db, signIn }, { query: { person } }, context) => {
    const id = person && (await requirePerson(db, person)).id
    return answerOf(await listSessions(db, signIn.sessions, id), context)
  },
})

export const revoke = endpoint({
  operationId: 'revokeSession',
  action: 'access.edit',
  summary: 'Revoke a session',
  description: 'The browser must sign in again.',
  params,
  statuses: { 204: 'Session revoked' },
  answer: async ({ db }, { params: { id }, by }) => {
    await revokeSession(db, id, by)
    return { status: 204 }
  },
})

export const listOwn = endpoint({
  operationId: 'listOwnSessions',
  action: 'own.edit',
  summary: "List the person's own sessions, the most recently used first",
  description: 'A token has no sessions.',
  returns: sessionList,
  statuses: { 200: 'The sessions' },
  answer: async ({ db, signIn }, _input, context) => {
    const id = ownId(context)
    return answerOf(id === undefined ? [] : await listSessions(db, signIn.sessions, id), context)
  },
})

export const revokeOwn = endpoint({
  operationId: 'revokeOwnSession',
  action: 'own.edit',
  summary: "Revoke one of the person's own sessions, or sign out with the current one",
  params,
  statuses: { 204: 'Session revoked' },
  answer: async ({ db }, { params: { id }, by }, context) => {
    const person = ownId(context)
    if (person === undefined) throw new NotFoundError(`there is no session ${id}`)
    await revokeSession(db, id, by, person)
    return { status: 204 }
  },
})

function principalOf(context: Context): Principal {
  return (context as Context<ApiEnv>).get('principal')
}

function ownId(context: Context): string | undefined {
  const { kind, id } = principalOf(context)
  return kind === 'person' ? id : undefined
}

function answerOf(rows: SessionRecord[], context: Context) {
  const { session } = principalOf(context)
  return { status: 200 as const, body: { items: rows.map((row) => ({ ...row, current: row.id === session })) } }
}
