// /tokens: admin tokens, and the check of the token in each request.
import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Db } from '../../db/open.ts'
import { createToken, findToken, listTokens, revokeToken } from '../../inventory/access/tokens.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { type ApiEnv, endpoint } from '../http/endpoint.ts'
import { withoutNulls } from '../http/page.ts'
import { problem } from '../http/problems.ts'
import { newToken, tokenCreate, tokenList } from '../schemas/access/token.ts'
import { uuidv7 } from '../schemas/common.ts'

export const list = endpoint({
  operationId: 'listTokens',
  summary: 'List tokens, without their secrets',
  returns: tokenList,
  statuses: { 200: 'The tokens' },
  answer: async ({ db }) => ({ status: 200, body: { items: (await listTokens(db)).map(withoutNulls) } }),
})

export const create = endpoint({
  operationId: 'createToken',
  summary: 'Create a token',
  body: tokenCreate,
  returns: newToken,
  statuses: { 201: 'Token created' },
  answer: async ({ db }, { body, by }) => ({ status: 201, body: withoutNulls(await createToken(db, body.name, by)) }),
})

export const revoke = endpoint({
  operationId: 'revokeToken',
  summary: 'Revoke a token',
  params: z.object({ id: uuidv7 }),
  statuses: { 204: 'Token revoked' },
  answer: async ({ db, feed }, { params, by }) => {
    await revokeToken(db, params.id, by)
    feed.endFollowersOf(params.id)
    return { status: 204 }
  },
})

/** Lets requests with a valid token through (RFC 6750, section 2.1: only in the header, never in the URL). */
export function requireToken(db: Db, metrics: Pick<Metrics, 'adminRefused'>): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const header = context.req.header('authorization')
    const [, token] = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(header ?? '') ?? []
    const found = token === undefined ? undefined : await findToken(db, token)
    if (found !== undefined) {
      context.set('actor', `token ${found.name}`)
      context.set('tokenId', found.id)
      return next()
    }
    metrics.adminRefused(header === undefined ? 'no-token' : 'bad-token')
    // RFC 6750, section 3.1: an error code only if the request had credentials.
    const challenge = `Bearer realm="bootwright"${header === undefined ? '' : ', error="invalid_token"'}`
    const detail =
      header === undefined ? 'expected the header Authorization: Bearer TOKEN' : 'the token is unknown or revoked'
    return problem({ status: 401, detail, headers: { 'www-authenticate': challenge } })
  }
}
