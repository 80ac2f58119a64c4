import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import type { Db } from '../../db/open.ts'
import { createToken, findToken, listTokens, revokeToken } from '../../inventory/access/tokens.ts'
import { type ApiEnv, endpoint } from '../http/endpoint.ts'
import { problem } from '../http/problems.ts'
import { moment, printable, uuidv7, withoutNulls } from '../schemas/common.ts'

const tokenSchema = z
  .object({
    id: uuidv7,
    name: z.string(),
    createdAt: moment,
    lastUsedAt: moment.optional(),
    revokedAt: moment.optional(),
  })
  .openapi('Token')

export const list = endpoint({
  operationId: 'listTokens',
  summary: 'Tokens, without the secret itself',
  returns: z.object({ items: z.array(tokenSchema) }).openapi('TokenList'),
  statuses: { 200: 'The tokens' },
  answer: async ({ db }) => ({ status: 200, body: { items: (await listTokens(db)).map(withoutNulls) } }),
})

export const create = endpoint({
  operationId: 'createToken',
  summary: 'Make a token',
  body: z.strictObject({ name: printable(128).openapi({ example: 'provisioning' }) }).openapi('TokenCreate'),
  returns: tokenSchema.extend({ token: z.string().openapi({ description: 'Shown this once.' }) }).openapi('NewToken'),
  statuses: { 201: 'The token' },
  answer: async ({ db }, { body, by }) => ({ status: 201, body: withoutNulls(await createToken(db, body.name, by)) }),
})

export const revoke = endpoint({
  operationId: 'revokeToken',
  summary: 'End a token at once',
  params: z.object({ id: uuidv7 }),
  statuses: { 204: 'It opens nothing any more' },
  answer: async ({ db, feed }, { params, by }) => {
    await revokeToken(db, params.id, by)
    feed.endFollowersOf(params.id)
    return { status: 204 }
  },
})

/** Lets through who has a live token (RFC 6750, section 2.1: only in the header, never in the URL). */
export function requireToken(db: Db): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const header = context.req.header('authorization')
    const [, token] = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(header ?? '') ?? []
    const known = token === undefined ? undefined : await findToken(db, token)
    if (known !== undefined) {
      context.set('actor', `token ${known.name}`)
      context.set('tokenId', known.id)
      return next()
    }
    // RFC 6750, section 3.1: the error code only where credentials came.
    const challenge = `Bearer realm="bootwright"${header === undefined ? '' : ', error="invalid_token"'}`
    const detail =
      header === undefined ? 'send Authorization: Bearer and a token' : 'there is no such token, or it is revoked'
    return problem({ status: 401, detail, headers: { 'www-authenticate': challenge } })
  }
}
