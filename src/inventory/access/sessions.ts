// Sessions: signed-in browsers. A cookie holds the secret, and the table its hash.

import { and, desc, eq, gt, inArray, isNull, lte, ne, notInArray, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { people, sessions } from '../../db/schema/access.ts'
import type { Tx } from '../../db/transaction.ts'
import { requireFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids/uuid.ts'
import type { Role } from '../../model/access/role.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { hashToken, makeToken } from './tokens.ts'

/** How long a session lives: unused, and at all. */
export type SessionLimits = { idleHours: number; maxDays: number }

export type SignInMethod = 'password' | 'oidc' | 'link'

/** The browser of a person who signs in. */
export type Browser = { address: string; userAgent: string }

/** A session as it can be shown, without its secret. */
export type SessionRecord = {
  id: string
  person: { id: string; name: string }
  method: SignInMethod
  address: string
  userAgent: string
  createdAt: Date
  lastUsedAt: Date
  expiresAt: Date
}

/** A session of a request, with the rights of its person. */
export type FoundSession = { id: string; person: { id: string; name: string; role: Role }; expiresAt: Date }

/** The sessions of a person beyond this number end, the least recently used first. */
const maxSessionsPerPerson = 50
const maxUserAgent = 256

const columns = {
  id: sessions.id,
  person: { id: people.id, name: people.name },
  method: sessions.method,
  address: sessions.address,
  userAgent: sessions.userAgent,
  createdAt: sessions.createdAt,
  lastUsedAt: sessions.lastUsedAt,
  expiresAt: sessions.expiresAt,
}

/** Opens a session, and returns its secret, the only time that it can be seen. */
export async function createSession(
  tx: Tx,
  person: { id: string; name: string },
  { method, address, userAgent }: Browser & { method: SignInMethod },
  { maxDays }: Pick<SessionLimits, 'maxDays'>,
): Promise<{ id: string; secret: string; expiresAt: Date }> {
  const secret = makeToken()
  const [row] = await tx
    .insert(sessions)
    .values({
      id: newId(),
      hash: hashToken(secret),
      personId: person.id,
      method,
      address,
      userAgent: userAgent.slice(0, maxUserAgent),
      expiresAt: sql`now() + ${maxDays} * interval '1 day'`,
    })
    .returning({ id: sessions.id, expiresAt: sessions.expiresAt })
  const session = row as { id: string; expiresAt: Date }
  const newest = tx
    .select({ id: sessions.id })
    .from(sessions)
    .where(eq(sessions.personId, person.id))
    .orderBy(desc(sessions.lastUsedAt), desc(sessions.id))
    .limit(maxSessionsPerPerson)
  await tx.delete(sessions).where(and(eq(sessions.personId, person.id), notInArray(sessions.id, newest)))
  // The subject is the person, so the history of a person has the sign-ins.
  const after = { name: person.name, session: session.id, method, address }
  await recordChanges(tx, [{ actor: `person ${person.name}`, type: 'session.created', subject: person.id, after }])
  return { ...session, secret }
}

/**
 * Finds the session of a secret, if neither the session nor its person has ended. Records its use at most once a minute.
 */
export async function findSession(db: Db, secret: string, limits: SessionLimits): Promise<FoundSession | undefined> {
  const [row] = await db
    .select({
      id: sessions.id,
      expiresAt: sessions.expiresAt,
      person: { id: people.id, name: people.name, role: people.role },
      stale: sql<boolean>`${sessions.lastUsedAt} not between now() - interval '1 minute' and now()`,
    })
    .from(sessions)
    .innerJoin(people, eq(people.id, sessions.personId))
    .where(and(eq(sessions.hash, hashToken(secret)), isNull(people.disabledAt), isAlive(limits)))
  if (row === undefined) return undefined
  const { stale, ...session } = row
  if (stale) await db.update(sessions).set({ lastUsedAt: sql`now()` }).where(eq(sessions.id, row.id))
  return session
}

/** The sessions of a person, or of all people: the most recently used first, at most 1000. */
export async function listSessions(db: Db, limits: SessionLimits, personId?: string): Promise<SessionRecord[]> {
  return db
    .select(columns)
    .from(sessions)
    .innerJoin(people, eq(people.id, sessions.personId))
    .where(and(personId === undefined ? undefined : eq(sessions.personId, personId), isAlive(limits)))
    .orderBy(desc(sessions.lastUsedAt), desc(sessions.id))
    .limit(1000)
}

/** The ids among these whose sessions were revoked or reached their absolute end. */
export async function findEndedSessions(db: Db, ids: string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await db
    .select({ id: sessions.id })
    .from(sessions)
    .innerJoin(people, eq(people.id, sessions.personId))
    .where(and(inArray(sessions.id, ids), isNull(people.disabledAt), gt(sessions.expiresAt, sql`now()`)))
  const alive = new Set(rows.map(({ id }) => id))
  return ids.filter((id) => !alive.has(id))
}

/** Ends a session at once. @param personId whose session it must be. @throws NotFoundError */
export async function revokeSession(db: Db, id: string, by: Actor, personId?: string): Promise<void> {
  await db.transaction(async (tx) => {
    const owner = personId === undefined ? undefined : eq(sessions.personId, personId)
    const revoked = await deleteSessions(tx, and(eq(sessions.id, id), owner), by)
    requireFound(revoked[0], `session ${id}`)
  })
}

/** Ends all sessions of a person, except one. Returns the ids of the ended sessions. */
export async function revokeSessionsOf(
  tx: Tx,
  person: { id: string },
  by: Actor,
  keptSession?: string,
): Promise<string[]> {
  const others = keptSession === undefined ? undefined : ne(sessions.id, keptSession)
  return deleteSessions(tx, and(eq(sessions.personId, person.id), others), by)
}

async function deleteSessions(tx: Tx, which: SQL | undefined, by: Actor): Promise<string[]> {
  const found = await tx
    .select(columns)
    .from(sessions)
    .innerJoin(people, eq(people.id, sessions.personId))
    .where(which)
    .for('update', { of: sessions })
  await tx.delete(sessions).where(which)
  await recordChanges(
    tx,
    found.map(({ id, person, method, address }) => ({
      actor: by,
      type: 'session.revoked',
      subject: person.id,
      before: { name: person.name, session: id, method, address },
    })),
  )
  return found.map(({ id }) => id)
}

/** Deletes sessions that have expired. */
export async function pruneSessions(db: Db, { idleHours }: Pick<SessionLimits, 'idleHours'>): Promise<void> {
  await db
    .delete(sessions)
    .where(or(lte(sessions.expiresAt, sql`now()`), lte(sessions.lastUsedAt, idleSince(idleHours))))
}

function isAlive({ idleHours }: SessionLimits) {
  return and(gt(sessions.expiresAt, sql`now()`), gt(sessions.lastUsedAt, idleSince(idleHours)))
}

function idleSince(hours: number) {
  return sql`now() - ${hours} * interval '1 hour'`
}
