// Failed sign-ins in a row, by sign-in name, whether or not a person has the name.

import { eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { signInFailures } from '../../db/schema/access.ts'
import { changes } from '../../db/schema/changes.ts'

/** Failures in a row after which a name is locked, and minutes for which it is locked. */
export type LockoutLimits = { maxFailures: number; lockMinutes: number }

/** Rows beyond this number are deleted, the oldest first: an attacker can try any number of names. */
const maxRows = 100_000
/** Failures older than this do not count. */
const keptHours = 24

/**
 * Claims an attempt for a name before its password is verified: as a failure, which `clearFailures` removes after a success. So
 * parallel attempts cannot exceed the limit. Undefined: the attempt may proceed; otherwise the time at which the lockout ends.
 */
export async function claimAttempt(
  db: Db,
  name: string,
  { maxFailures, lockMinutes }: LockoutLimits,
): Promise<Date | undefined> {
  // A lockout that has ended begins a new row of failures. The attempt that reaches the limit still proceeds.
  const isOver = sql`(f.locked_until <= now() or f.last_at < now() - ${keptHours} * interval '1 hour')`
  const lockEnd = sql`now() + ${lockMinutes} * interval '1 minute'`
  const result = await db.execute(sql`
    insert into sign_in_failures as f (name, failures, last_at) values (${name}, 1, now())
    on conflict (name) do update set
      failures = case when ${isOver} then 1 else f.failures + 1 end,
      last_at = now(),
      locked_until = case when ${isOver} then null
        when f.locked_until is null and f.failures + 1 >= ${maxFailures} then ${lockEnd} else f.locked_until end
    returning failures > ${maxFailures} as locked, locked_until as until`)
  const [row] = rowsOf<{ locked: boolean; until: Date | string | null }>(result)
  return row?.locked && row.until !== null ? new Date(row.until) : undefined
}

/** Ends the row of failures of a name, and its lockout. */
export async function clearFailures(db: Db, name: string): Promise<void> {
  await db.delete(signInFailures).where(eq(signInFailures.name, name))
}

/** True if a person signed in from an address before, according to the audit log. */
export async function hasSignedInFrom(db: Db, personId: string, address: string): Promise<boolean> {
  const rows = await db
    .select({ id: changes.id })
    .from(changes)
    .where(
      sql`${changes.subject} = ${personId} and ${changes.type} = 'session.created' and ${changes.after} ->> 'address' = ${address}`,
    )
    .limit(1)
  return rows.length > 0
}

/** Deletes rows of failures that are old, and the oldest of too many. */
export async function pruneFailures(db: Db): Promise<void> {
  await db.execute(sql`
    delete from sign_in_failures where last_at < now() - ${keptHours} * interval '1 hour'
      or name in (select name from sign_in_failures order by last_at desc offset ${maxRows})`)
}
