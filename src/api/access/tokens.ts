// /tokens: admin tokens, and the check of the token in each request.
import { z } from '@hono/zod-openapi'
import { createToken, listTokens, revokeToken } from '../../inventory/access/tokens.ts'
import { endpoint } from '../http/endpoint.ts'
import { withoutNulls } from '../http/page.ts'
import { newToken, tokenCreate, tokenList } from '../schemas/access/token.ts'
import { uuidv7 } from '../schemas/common.ts'

export const list = endpoint({
  operationId: 'listTokens',
  action: 'access.edit',
  summary: 'List tokens, without their secrets',
  returns: tokenList,
  statuses: { 200: 'The tokens' },
  answer: async ({ db }) => ({ status: 200, body: { items: (await listTokens(db)).map(withoutNulls) } }),
})

export const create = endpoint({
  operationId: 'createToken',
  action: 'access.edit',
  summary: 'Create a token',
  body: tokenCreate,
  returns: newToken,
  statuses: { 201: 'Token created' },
  answer: async ({ db }, { body, by }) => ({
    status: 201,
    body: withoutNulls(await createToken(db, body.name, by, body)),
  }),
})

export const revoke = endpoint({
  operationId: 'revokeToken',
  action: 'access.edit',
  summary: 'Revoke a token',
  params: z.object({ id: uuidv7 }),
  statuses: { 204: 'Token revoked' },
  answer: async ({ db, feed }, { params, by }) => {
    await revokeToken(db, params.id, by)
    feed.endFollowersOf(params.id)
    return { status: 204 }
  },
})
