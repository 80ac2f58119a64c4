// Idempotency keys and their kept answers.

import { and, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { idempotencyKeys } from '../../db/schema/system.ts'
import type { Tx } from '../../db/transaction.ts'

/** How long answers are stored for repeated requests. */
const kept = sql`interval '24 hours'`

/** The state of a key: new, used by another request, or the kept answer. */
export type KeyState = 'new' | 'other-request' | { status: number; sealed: string }

/**
 * Claims a key of a client for a request, in the transaction of the request. The hash identifies the request's content. A repeated
 * request waits here until the transaction ends.
 * @param client the id of a token or a person, because several tokens may have one name
 */
export async function claimKey(tx: Tx, client: string, key: string, requestHash: string): Promise<KeyState> {
  await tx.execute(sql`
    delete from idempotency_keys where actor = ${client} and key = ${key} and created_at < now() - ${kept}`)
  const claimed = await tx
    .insert(idempotencyKeys)
    .values({ actor: client, key, requestHash, status: 0, sealed: '' })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key })
  if (claimed.length > 0) return 'new'
  const [row] = await tx.select().from(idempotencyKeys).where(isOf(client, key))
  if (row === undefined || row.requestHash !== requestHash) return 'other-request'
  return { status: row.status, sealed: row.sealed }
}

/** Stores the answer for a repeated request. */
export async function keepAnswer(tx: Tx, client: string, key: string, status: number, sealed: string): Promise<void> {
  await tx.update(idempotencyKeys).set({ status, sealed }).where(isOf(client, key))
}

/** Deletes expired answers. */
export async function pruneIdempotencyKeys(db: Db): Promise<void> {
  await db.execute(sql`delete from idempotency_keys where created_at < now() - ${kept}`)
}

const isOf = (client: string, key: string) => and(eq(idempotencyKeys.actor, client), eq(idempotencyKeys.key, key))
