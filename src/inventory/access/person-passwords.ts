// Passwords of people, as hashes. auth/passwords.ts makes and verifies them.

import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { passwordLinks, people } from '../../db/schema/access.ts'
import type { Tx } from '../../db/transaction.ts'
import { ConflictError } from '../../lib/errors.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { isPerson, lockPerson, nextRevision, type Person, personColumns } from './people.ts'
import { revokeSessionsOf } from './sessions.ts'
import { clearFailures } from './sign-in-failures.ts'

/** A person and the hash of the password, for a sign-in. */
export async function findPassword(
  db: Db,
  key: { id: string } | { name: string },
): Promise<(Person & { password: string | null }) | undefined> {
  const [person] = await db
    .select({ ...personColumns, password: people.password })
    .from(people)
    .where(isPerson(key))
  return person
}

/**
 * Stores the hash of a new password. All links of the person are void, and all sessions end, except the session that changed it.
 * @throws NotFoundError, ConflictError for a person of an OpenID provider
 */
export async function savePassword(
  db: Db,
  id: string,
  password: string,
  by: Actor,
  keptSession?: string,
): Promise<Person> {
  return db.transaction(async (tx) => {
    const before = await lockPerson(tx, id)
    refuseProviderPerson(before)
    const [after] = await tx
      .update(people)
      .set({ password, ...nextRevision })
      .where(eq(people.id, id))
      .returning(personColumns)
    await tx.delete(passwordLinks).where(eq(passwordLinks.personId, id))
    await clearFailures(tx, before.name)
    await recordChanges(tx, [{ actor: by, type: 'person.password-set', subject: id, after: { name: before.name } }])
    await revokeSessionsOf(tx, before, by, keptSession)
    return after as Person
  })
}

/** Replaces a hash by one of the same password with today's parameters. A password that was set meanwhile stays. */
export async function rehashPassword(tx: Tx, id: string, before: string, after: string): Promise<void> {
  await tx
    .update(people)
    .set({ password: after })
    .where(and(eq(people.id, id), eq(people.password, before)))
}

/** @throws ConflictError for a person who signs in with OpenID Connect only */
export function refuseProviderPerson({ name, issuer }: Person): void {
  if (issuer !== null)
    throw new ConflictError(`${name} has no password here: ${name} signs in with OpenID Connect at ${issuer}`)
}
