// People: who signs in to the page, with which role.

import { and, asc, count, eq, gt, isNotNull, isNull, ne, or, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { people } from '../../db/schema/access.ts'
import type { Tx } from '../../db/transaction.ts'
import { ConflictError, requireFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids/uuid.ts'
import type { Role } from '../../model/access/role.ts'
import { type Actor, type Change, recordChanges } from '../changes/changes.ts'
import { lockName } from '../common/lock.ts'
import { checkPrecondition, type Precondition } from '../common/precondition.ts'
import { revokeSessionsOf } from './sessions.ts'

/** A person, without the password. */
export type Person = {
  id: string
  name: string
  role: Role
  hasPassword: boolean
  /** The identity at the OpenID provider; null for a local person. */
  issuer: string | null
  oidcSubject: string | null
  lastSignInAt: Date | null
  disabledAt: Date | null
  revision: number
  createdAt: Date
  updatedAt: Date
}

/** An identity at an OpenID provider. A subject is unique at its issuer, and never given to another person (OpenID Connect Core, 2). */
export type OidcIdentity = { issuer: string; subject: string }

/** The columns of a person, without the password. */
export const personColumns = {
  id: people.id,
  name: people.name,
  role: people.role,
  hasPassword: sql<boolean>`${people.password} is not null`,
  issuer: people.issuer,
  oidcSubject: people.oidcSubject,
  lastSignInAt: people.lastSignInAt,
  disabledAt: people.disabledAt,
  revision: people.revision,
  createdAt: people.createdAt,
  updatedAt: people.updatedAt,
}

/** The name of a person in the audit log. */
export function actorOf({ name }: Pick<Person, 'name'>): Actor {
  return `person ${name}`
}

/** Creates a person. A local person sets the password with a one-time link. @throws ConflictError if the name is taken */
export async function createPerson(
  db: Db,
  { name, role, password, oidc }: { name: string; role: Role; password?: string; oidc?: OidcIdentity },
  by: Actor,
): Promise<Person> {
  return db.transaction(async (tx) => {
    const [person] = await tx
      .insert(people)
      .values({ id: newId(), name, role, password, issuer: oidc?.issuer, oidcSubject: oidc?.subject })
      .onConflictDoNothing()
      .returning(personColumns)
    if (person === undefined) throw new ConflictError(`person ${name} already exists`)
    await recordChanges(tx, [{ actor: by, type: 'person.created', subject: person.id, after: auditView(person) }])
    return person
  })
}

/** The people after a name, in the order of their names. */
export async function listPeople(db: Db, limit: number, after?: string): Promise<Person[]> {
  const following = after === undefined ? undefined : gt(people.name, after)
  return db.select(personColumns).from(people).where(following).orderBy(asc(people.name)).limit(limit)
}

/** Finds a person by id or name. */
export async function findPerson(db: Db, key: { id: string } | { name: string }): Promise<Person | undefined> {
  const [person] = await db.select(personColumns).from(people).where(isPerson(key))
  return person
}

/** @throws NotFoundError */
export async function requirePerson(db: Db, key: { id: string } | { name: string }): Promise<Person> {
  const person = await findPerson(db, key)
  requireFound(person, `person ${'id' in key ? key.id : key.name}`)
  return person
}

export async function findPersonByOidc(db: Db, { issuer, subject }: OidcIdentity): Promise<Person | undefined> {
  const [person] = await db
    .select(personColumns)
    .from(people)
    .where(and(eq(people.issuer, issuer), eq(people.oidcSubject, subject)))
  return person
}

/**
 * Changes the role of a person, disables or enables the person. If that changes the rights, all sessions end. The role of a person
 * of an OpenID provider follows the groups there. @throws NotFoundError, PreconditionError, ConflictError
 */
export async function changePerson(
  db: Db,
  id: string,
  change: { role?: Role | undefined; disabled?: boolean | undefined },
  precondition: Precondition,
  by: Actor,
): Promise<Person> {
  return db.transaction(async (tx) => {
    const before = await lockPerson(tx, id)
    checkPrecondition(precondition, before)
    if (change.role !== undefined && change.role !== before.role && before.issuer !== null)
      throw new ConflictError(
        `the role of ${before.name} follows the groups at the OpenID provider: change the groups there`,
      )
    return saveRights(tx, before, change, by)
  })
}

/** Gives the role of the groups to a person of an OpenID provider. If the role changes, all sessions of the person end. */
export async function followGroups(db: Db, id: string, role: Role, by: Actor): Promise<Person> {
  return db.transaction(async (tx) => saveRights(tx, await lockPerson(tx, id), { role }, by))
}

async function saveRights(
  tx: Tx,
  before: Person,
  {
    role = before.role,
    disabled = before.disabledAt !== null,
  }: { role?: Role | undefined; disabled?: boolean | undefined },
  by: Actor,
): Promise<Person> {
  const isDisabled = before.disabledAt !== null
  if (role === before.role && disabled === isDisabled) return before
  if (role !== 'admin' || disabled) await keepAnAdmin(tx, before)
  const [after] = await tx
    .update(people)
    .set({
      role,
      disabledAt: disabled ? sql`coalesce(${people.disabledAt}, now())` : null,
      ...nextRevision,
    })
    .where(eq(people.id, before.id))
    .returning(personColumns)
  const person = after as Person
  await recordChanges(tx, [changeOf(before, person, by)])
  await revokeSessionsOf(tx, before, by)
  return person
}

/** Deletes a person, with all sessions and links. @throws NotFoundError, PreconditionError, ConflictError */
export async function deletePerson(db: Db, id: string, precondition: Precondition, by: Actor): Promise<void> {
  await db.transaction(async (tx) => {
    const before = await lockPerson(tx, id)
    checkPrecondition(precondition, before)
    await keepAnAdmin(tx, before)
    await revokeSessionsOf(tx, before, by)
    await tx.delete(people).where(eq(people.id, id))
    await recordChanges(tx, [{ actor: by, type: 'person.deleted', subject: id, before: auditView(before) }])
  })
}

/** True if an enabled admin exists who can sign in. */
export async function hasAdmin(db: Db): Promise<boolean> {
  const canSignIn = or(isNotNull(people.password), isNotNull(people.issuer))
  const [found] = await db
    .select({ id: people.id })
    .from(people)
    .where(and(eq(people.role, 'admin'), isNull(people.disabledAt), canSignIn))
    .limit(1)
  return found !== undefined
}

/** Records that a person signed in. The revision stays: the person is not changed. */
export async function noteSignIn(tx: Tx, id: string): Promise<void> {
  await tx.update(people).set({ lastSignInAt: sql`now()` }).where(eq(people.id, id))
}

/** A person, locked until the transaction ends. @throws NotFoundError */
export async function lockPerson(tx: Tx, id: string): Promise<Person> {
  const [person] = await tx.select(personColumns).from(people).where(eq(people.id, id)).for('update')
  requireFound(person, `person ${id}`)
  return person
}

/** @throws ConflictError if the person is the last enabled admin with a password */
async function keepAnAdmin(tx: Tx, { id, name, role, hasPassword, disabledAt }: Person): Promise<void> {
  if (role !== 'admin' || !hasPassword || disabledAt !== null) return
  // Two requests could each remove one of the last two admins.
  await lockName(tx, 'people', 'admins')
  const isOtherAdmin = and(
    eq(people.role, 'admin'),
    isNotNull(people.password),
    isNull(people.disabledAt),
    ne(people.id, id),
  )
  const [others] = await tx.select({ count: count() }).from(people).where(isOtherAdmin)
  if ((others?.count ?? 0) === 0)
    throw new ConflictError(
      `${name} is the last enabled admin with a password. First add another: bootwright person add NAME --role admin`,
    )
}

/** What each change of a person sets. */
export const nextRevision = { revision: sql`${people.revision} + 1`, updatedAt: sql`now()` }

/** The condition on the row of a person. */
export function isPerson(key: { id: string } | { name: string }) {
  return 'id' in key ? eq(people.id, key.id) : eq(people.name, key.name)
}

function changeOf(before: Person, after: Person, by: Actor): Change {
  const type = 'person.changed'
  return { actor: by, type, subject: after.id, before: auditView(before), after: auditView(after) }
}

function auditView({ name, role, issuer, disabledAt }: Person) {
  return { name, role, disabled: disabledAt !== null, ...(issuer !== null && { issuer }) }
}
