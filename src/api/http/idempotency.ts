// A POST that runs once for its Idempotency-Key.
import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import type { Principal } from '../../auth/principal.ts'
import type { Db } from '../../db/open.ts'
import { claimKey, keepAnswer } from '../../inventory/system/idempotency.ts'
import { InputError } from '../../lib/errors.ts'
import type { AdminDeps } from './endpoint.ts'
import { problem } from './problems.ts'

type SavedAnswer = { headers: Record<string, string>; body: string }

/**
 * Runs a POST once for its Idempotency-Key (draft-ietf-httpapi-idempotency-key-header). For 24 hours, the same request
 * gets the same answer, and another request with that key gets 422. The change and the answer are saved in one
 * transaction. Failures are not saved, so that clients can retry. Without the header the POST simply runs. A key belongs to one
 * principal: an answer may contain a new token, and tokens with the same name may have other rights.
 */
export async function onceForKey(
  context: Context,
  { db, sealer }: Pick<AdminDeps, 'db' | 'sealer'>,
  principal: Principal | undefined,
  body: unknown,
  answer: (db: Db) => Promise<Response>,
): Promise<Response> {
  const key = context.req.header('idempotency-key')?.trim()
  if (key === undefined) return answer(db)
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new InputError({ field: 'Idempotency-Key', value: key, expected: '1 to 255 printable characters' })
  const request = JSON.stringify([context.req.method, context.req.url.replace(/^[a-z]+:\/\/[^/]*/, ''), body ?? null])
  const hash = createHash('sha256').update(request).digest('hex')
  const client = clientOf(principal)
  const what = `answer ${client} ${key}`
  return db.transaction(async (tx) => {
    const claim = await claimKey(tx, client, key, hash)
    if (claim === 'other-request')
      return problem({ status: 422, detail: 'Idempotency-Key: this key was already used for another request' })
    if (claim !== 'new') {
      const saved = JSON.parse(sealer.open(claim.sealed, what)) as SavedAnswer
      const headers = { ...saved.headers, 'idempotency-replayed': 'true' }
      return new Response(saved.body === '' ? null : saved.body, { status: claim.status, headers })
    }
    const response = await answer(tx)
    const saved: SavedAnswer = { headers: Object.fromEntries(response.headers), body: await response.clone().text() }
    await keepAnswer(tx, client, key, response.status, sealer.seal(JSON.stringify(saved), what))
    return response
  })
}

/** The operator on the admin socket has no id. */
function clientOf(principal: Principal | undefined): string {
  const { kind, id, actor = 'anonymous' } = principal ?? {}
  return id === undefined ? actor : `${kind} ${id}`
}
