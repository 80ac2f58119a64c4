// Locks a name for a transaction.

import { sql } from 'drizzle-orm'
import type { Tx } from '../../db/transaction.ts'

/** Locks a name until the transaction ends, whether a thing has it or not: requests for the same name run one after the other. */
export async function lockName(tx: Tx, noun: string, name: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`${noun} ${name}`}, 0))`)
}
