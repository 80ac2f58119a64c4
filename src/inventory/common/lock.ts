// Locks names for a transaction.

import { sql } from 'drizzle-orm'
import type { Tx } from '../../db/transaction.ts'

/** Locks a name until the transaction ends, whether a thing has it or not: requests for the same name run one after the other. */
export async function lockName(tx: Tx, noun: string, name: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended(${`${noun} ${name}`}, 0))`)
}

/** Locks names as `lockName` does, in one order, so that two requests never wait for each other. */
export async function lockNames(tx: Tx, noun: string, names: string[]): Promise<void> {
  const keys = JSON.stringify(names.map((name) => `${noun} ${name}`).sort())
  await tx.execute(sql`
    select pg_advisory_xact_lock(hashtextextended(key, 0)) from jsonb_array_elements_text(${keys}::jsonb) with ordinality as k(key, place)
    order by place`)
}
