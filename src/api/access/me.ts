// /me: the client of the request.
import type { Context } from 'hono'
import { actions, may } from '../../auth/may.ts'
import { changeOwnPassword } from '../../auth/own-password.ts'
import { ConflictError } from '../../lib/errors.ts'
import { type ApiEnv, endpoint } from '../http/endpoint.ts'
import { refused } from '../http/problems.ts'
import { meSchema, passwordPut } from '../schemas/access/person.ts'

export const get = endpoint({
  operationId: 'getMe',
  action: 'own.edit',
  scope: 'any',
  summary: 'Get the client of this request, with its rights',
  returns: meSchema,
  statuses: { 200: 'The client' },
  answer: async (_deps, _input, context) => {
    const { kind, id, session, actor, role, scope } = (context as Context<ApiEnv>).get('principal')
    const rights = { actor, role, ...(scope && { scope }), actions: actions.filter((action) => may(role, action)) }
    return { status: 200, body: { kind, ...(id && { id }), ...(session && { session }), ...rights } }
  },
})

export const putPassword = endpoint({
  operationId: 'putPassword',
  action: 'own.edit',
  summary: "Change the person's own password",
  description: 'Ends all other sessions of the person. A token and a person of an OpenID provider have no password.',
  body: passwordPut,
  statuses: { 204: 'Password changed' },
  answer: async (deps, { body, by }, context) => {
    const { kind, id, session } = (context as Context<ApiEnv>).get('principal')
    if (kind !== 'person' || id === undefined)
      throw new ConflictError(`${by} has no password: only a person who is signed in can change a password`)
    const refusal = await changeOwnPassword(deps.signIn, { id, session }, body)
    if (refusal === undefined) return { status: 204 }
    const { code, message: detail, retryAfterSeconds } = refusal
    if (retryAfterSeconds === undefined) return refused(deps, context, { status: 403, code, detail })
    const headers = { 'retry-after': String(retryAfterSeconds) }
    return refused(deps, context, { status: 429, code, detail, headers })
  },
})
