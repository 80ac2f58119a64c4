// One-time links: with one, a person sets a password. Only the hash of its secret is stored.

import { and, eq, gt, isNull, lte, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { passwordLinks, people } from '../../db/schema/access.ts'
import type { Tx } from '../../db/transaction.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { hasAdmin, lockPerson, type Person } from './people.ts'
import { refuseProviderPerson } from './person-passwords.ts'
import { revokeSessionsOf } from './sessions.ts'
import { clearFailures } from './sign-in-failures.ts'
import { hashToken, makeToken } from './tokens.ts'

/** A new link. The secret can be seen only now. */
export type NewLink = { secret: string; expiresAt: Date }

/** What a valid link is for. `person` is undefined for the link that creates the first person. */
export type FoundLink = { person: { id: string; name: string } | undefined; expiresAt: Date }

/** Days until a link expires. */
const linkDays = 7

/** Makes a link for a person. Earlier links of the person are void. */
export async function createLink(tx: Tx, { id }: { id: string }): Promise<NewLink> {
  await tx.delete(passwordLinks).where(eq(passwordLinks.personId, id))
  return insertLink(tx, id)
}

/**
 * Resets a person: makes a one-time link, ends all sessions and any lockout. The password is valid until the link is used, so a
 * lost link locks nobody out. @throws NotFoundError, ConflictError for a person of an OpenID provider
 */
export async function resetPerson(db: Db, id: string, by: Actor): Promise<{ person: Person; link: NewLink }> {
  return db.transaction(async (tx) => {
    const person = await lockPerson(tx, id)
    refuseProviderPerson(person)
    await revokeSessionsOf(tx, person, by)
    await clearFailures(tx, person.name)
    const link = await createLink(tx, person)
    await recordChanges(tx, [{ actor: by, type: 'person.reset', subject: id, after: { name: person.name } }])
    return { person, link }
  })
}

/**
 * A link that creates the first person, at each start until an enabled admin exists; then undefined. Links of earlier starts are
 * valid until they expire: a server that restarts does not void the link that a person is opening.
 */
export async function ensureFirstLink(db: Db): Promise<NewLink | undefined> {
  return db.transaction(async (tx) => ((await hasAdmin(tx)) ? undefined : insertLink(tx, null)))
}

async function insertLink(tx: Tx, personId: string | null): Promise<NewLink> {
  const secret = makeToken()
  const [row] = await tx
    .insert(passwordLinks)
    .values({ hash: hashToken(secret), personId, expiresAt: sql`now() + ${linkDays} * interval '1 day'` })
    .returning({ expiresAt: passwordLinks.expiresAt })
  return { secret, expiresAt: (row as { expiresAt: Date }).expiresAt }
}

/** Finds a valid link. */
export async function findLink(db: Db, secret: string): Promise<FoundLink | undefined> {
  const [row] = await db
    .select({ id: people.id, name: people.name, personId: passwordLinks.personId, expiresAt: passwordLinks.expiresAt })
    .from(passwordLinks)
    .leftJoin(people, eq(people.id, passwordLinks.personId))
    .where(isValid(secret))
  if (row === undefined) return undefined
  const { id, name, personId, expiresAt } = row
  // Once an admin exists, no link creates a further one.
  if (personId === null) return (await hasAdmin(db)) ? undefined : { person: undefined, expiresAt }
  return { person: { id: id as string, name: name as string }, expiresAt }
}

/** Takes a link: of two requests with the same link, one gets true. */
export async function takeLink(tx: Tx, secret: string): Promise<boolean> {
  const taken = await tx.delete(passwordLinks).where(isValid(secret)).returning({ hash: passwordLinks.hash })
  return taken.length > 0
}

/** Voids the links that create the first person. */
export async function dropFirstLinks(tx: Tx): Promise<void> {
  await tx.delete(passwordLinks).where(isNull(passwordLinks.personId))
}

/** Deletes expired links. */
export async function pruneLinks(db: Db): Promise<void> {
  await db.delete(passwordLinks).where(lte(passwordLinks.expiresAt, sql`now()`))
}

function isValid(secret: string) {
  return and(eq(passwordLinks.hash, hashToken(secret)), gt(passwordLinks.expiresAt, sql`now()`))
}
