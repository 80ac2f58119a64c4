// A POST that runs once for its Idempotency-Key.
import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import type { Db } from '../../db/open.ts'
import { claimKey, keepAnswer } from '../../inventory/system/idempotency.ts'
import { InputError } from '../../lib/errors.ts'
import type { AdminDeps } from './endpoint.ts'
import { problem } from './problems.ts'

type Kept = { headers: Record<string, string>; body: string }

/**
 * Runs a POST once for its Idempotency-Key, as draft-ietf-httpapi-idempotency-key-header says. A repeated request gets
 * the same answer for 24 hours, another request with that key gets 422. One transaction holds the changes and the key.
 * Without the header the request simply runs. A failed request is not kept and can be repeated.
 */
export async function onceForKey(
  context: Context,
  { db, sealer }: Pick<AdminDeps, 'db' | 'sealer'>,
  by: string,
  body: unknown,
  answer: (db: Db) => Promise<Response>,
): Promise<Response> {
  const key = context.req.header('idempotency-key')?.trim()
  if (key === undefined) return answer(db)
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new InputError({ field: 'Idempotency-Key', value: key, expected: '1 to 255 printable characters' })
  const request = JSON.stringify([context.req.method, context.req.url.replace(/^[a-z]+:\/\/[^/]*/, ''), body ?? null])
  const hash = createHash('sha256').update(request).digest('hex')
  const what = `answer ${by} ${key}`
  return db.transaction(async (tx) => {
    const claim = await claimKey(tx, by, key, hash)
    if (claim === 'other-request')
      return problem({ status: 422, detail: 'Idempotency-Key: this key was used before, with another request' })
    if (claim !== 'new') {
      const kept = JSON.parse(sealer.open(claim.sealed, what)) as Kept
      const headers = { ...kept.headers, 'idempotency-replayed': 'true' }
      return new Response(kept.body === '' ? null : kept.body, { status: claim.status, headers })
    }
    const response = await answer(tx)
    const kept: Kept = { headers: Object.fromEntries(response.headers), body: await response.clone().text() }
    await keepAnswer(tx, by, key, response.status, sealer.seal(JSON.stringify(kept), what))
    return response
  })
}
