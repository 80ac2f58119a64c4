// The person of an identity at an OpenID provider.
import type { Db } from '../db/open.ts'
import type { Tx } from '../db/transaction.ts'
import {
  createPerson,
  findPerson,
  findPersonByOidc,
  followGroups,
  type OidcIdentity,
  type Person,
} from '../inventory/access/people.ts'
import { revokeSessionsOf } from '../inventory/access/sessions.ts'
import { system } from '../inventory/changes/changes.ts'
import { lockName } from '../inventory/common/lock.ts'
import { maxPersonName } from '../model/access/person-name.ts'
import type { Role } from '../model/access/role.ts'

/**
 * Finds the person of an identity, with the role of today's groups, or adds one. A name that another person has gets a number: the
 * identity is another one, and the account of the other person is never taken over.
 */
export async function findOrAddPerson(tx: Tx, identity: OidcIdentity, name: string, role: Role): Promise<Person> {
  // Two first sign-ins at the same time would add two people.
  await lockName(tx, 'people', 'names')
  const found = await findPersonByOidc(tx, identity)
  if (found !== undefined) return followGroups(tx, found.id, role, system)
  return createPerson(tx, { name: await freeName(tx, name), role, oidc: identity }, system)
}

/** Ends the sessions of a person whose groups have no role any longer. */
export async function revokeUnmapped(db: Db, identity: OidcIdentity): Promise<void> {
  await db.transaction(async (tx) => {
    const person = await findPersonByOidc(tx, identity)
    if (person !== undefined) await revokeSessionsOf(tx, person, system)
  })
}

async function freeName(tx: Tx, name: string): Promise<string> {
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : `-${number}`
    const candidate = `${[...name].slice(0, maxPersonName - suffix.length).join('')}${suffix}`
    if ((await findPerson(tx, { name: candidate })) === undefined) return candidate
  }
}
