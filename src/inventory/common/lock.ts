import { sql } from 'drizzle-orm'
import type { Tx } from '../../db/transaction.ts'

/** Holds a name, taken or not, until the transaction ends: two requests that make the same thing do so one after the other. */
export async function lockName(tx: Tx, noun: string, name: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`${noun} ${name}`}, 0))`)
}
