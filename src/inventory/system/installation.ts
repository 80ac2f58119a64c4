// The values that all servers on a database share: key, store, sealed values.

import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { recordChanges } from '../changes/changes.ts'

/** The ids of the keys that this database is sealed with: the one of its first start, and those of what is sealed. */
export async function findSealingKeys(db: Db): Promise<string[]> {
  const found = await db.execute(sql`
    select secret_key_id as key from installation where secret_key_id is not null
    union select split_part(sealed, '.', 1) from secrets
    union select split_part(sealed, '.', 1) from machine_power where sealed is not null
    union select split_part(sealed, '.', 1) from webhooks order by 1`)
  return rowsOf<{ key: string }>(found).map(({ key }) => key)
}

/** Records the key of this database, unless it has a key. Returns the key of the database. */
export async function claimSecretKey(db: Db, keyId: string): Promise<string> {
  return claim(db, sql`secret_key_id`, keyId)
}

/** Records the store of this database, unless it has a store. Returns the store of the database. */
export async function claimStore(db: Db, storeId: string): Promise<string> {
  return claim(db, sql`store_id`, storeId)
}

/** Replaces the store of this database. */
export async function replaceStore(db: Db, storeId: string): Promise<void> {
  if ((await claimStore(db, storeId)) === storeId) return
  await db.execute(sql`update installation set store_id = ${storeId}`)
}

// Of two servers that start at once the second waits for the row, and sees what the first wrote. An existing claim is only
// read: a server starts on a full disk too.
async function claim(db: Db, column: ReturnType<typeof sql>, value: string): Promise<string> {
  const claimed = await db.execute(sql`select ${column} as value from installation where ${column} is not null`)
  const [before] = rowsOf<{ value: string }>(claimed)
  if (before !== undefined) return before.value
  const found = await db.execute(
    sql`update installation set ${column} = coalesce(${column}, ${value}) returning ${column} as value`,
  )
  return rowsOf<{ value: string }>(found)[0]?.value ?? value
}

/** The numbers of sealed values that are lost with a key. */
export type Forgotten = { secrets: number; webhooks: number; powers: number; answers: number }

/** Counts the values that only this key opens. */
export async function countSealed(db: Db, keyId: string): Promise<Forgotten> {
  const count = (table: 'secrets' | 'webhooks' | 'machine_power' | 'idempotency_keys') =>
    sql`(select count(*)::int from ${sql.identifier(table)} where split_part(sealed, '.', 1) = ${keyId})`
  const found = await db.execute(
    sql`select ${count('secrets')} as secrets, ${count('webhooks')} as webhooks, ${count('machine_power')} as powers, ${count('idempotency_keys')} as answers`,
  )
  return rowsOf<Forgotten>(found)[0] ?? { secrets: 0, webhooks: 0, powers: 0, answers: 0 }
}

/** Deletes a lost key with every value that only this key opens. The next start records a new key. */
export async function forgetKey(db: Db, keyId: string): Promise<Forgotten> {
  return db.transaction(async (tx) => {
    const forgotten = await countSealed(tx, keyId)
    for (const table of ['secrets', 'webhooks', 'machine_power', 'idempotency_keys'])
      await tx.execute(sql`delete from ${sql.identifier(table)} where split_part(sealed, '.', 1) = ${keyId}`)
    await tx.execute(sql`update installation set secret_key_id = null where secret_key_id = ${keyId}`)
    await recordChanges(tx, [{ actor: 'operator', type: 'secret-key.forgotten', subject: keyId, after: forgotten }])
    return forgotten
  })
}
