// One-time links: a person opens one, sets a password, and is signed in.

import type { Db } from '../db/open.ts'
import type { Tx } from '../db/transaction.ts'
import {
  createLink,
  dropFirstLinks,
  type FoundLink,
  findLink,
  type NewLink,
  takeLink,
} from '../inventory/access/password-links.ts'
import { actorOf, createPerson, hasAdmin, lockPerson } from '../inventory/access/people.ts'
import { savePassword } from '../inventory/access/person-passwords.ts'
import type { Browser } from '../inventory/access/sessions.ts'
import type { Actor } from '../inventory/changes/changes.ts'
import { lockName } from '../inventory/common/lock.ts'
import { InputError } from '../lib/errors.ts'
import { parsePersonName, personNameForm } from '../model/access/person-name.ts'
import type { Role } from '../model/access/role.ts'
import { openSession } from './sign-in.ts'
import { disabled, refuse, type SignInDeps, type SignInResult, takeAttempt, unlessBusy } from './sign-in-deps.ts'

/** Adds a local person, who gets a link to set the password. @throws ConflictError if the name is taken */
export async function addPerson(db: Db, { name, role }: { name: string; role: Role }, by: Actor) {
  return db.transaction(async (tx) => {
    const person = await createPerson(tx, { name, role }, by)
    return { person, link: await createLink(tx, person) }
  })
}

/** The person of a link, or undefined for the first person; undefined if the link is not valid. */
export function describeLink({ db }: Pick<SignInDeps, 'db'>, secret: string): Promise<FoundLink | undefined> {
  return findLink(db, secret)
}

/** The URL of a link. `adminUrl` is `http://host[:port]`. */
export function linkUrl(adminUrl: string, { secret }: Pick<NewLink, 'secret'>): string {
  return `${adminUrl}/welcome/${secret}`
}

/**
 * Sets the password of a link's person, once, and signs the person in. The link of the first start creates the first admin, and
 * needs a name. @throws InputError if the name or the password is refused, and the link stays valid
 */
export async function useLink(
  deps: SignInDeps,
  secret: string,
  { name: given, password, ...browser }: Browser & { name?: string | undefined; password: string },
): Promise<SignInResult> {
  const facts = { ip: browser.address, method: 'link' }
  const limited = takeAttempt(deps, browser.address, 'link')
  if (limited !== undefined) return limited
  const { db, passwords } = deps
  const isVoid = () => refuse(deps, { code: 'BW-SIGN-IN-LINK', message: voidLink }, facts)
  return unlessBusy(deps, browser.address, async () => {
    const link = await findLink(db, secret)
    if (link === undefined) return isVoid()
    const name = link.person?.name ?? parsePersonName(given ?? '')
    if (name === undefined) throw new InputError({ field: 'name', value: given ?? 'nothing', expected: personNameForm })
    const hash = await passwords.hash(password, name)
    const session = await db.transaction(async (tx) => {
      // Before the link, which the transaction of another link may delete: otherwise each would wait for the other.
      if (link.person === undefined) await lockName(tx, 'people', 'admins')
      else if (await isDisabled(tx, link.person.id)) return 'disabled'
      if (!(await takeLink(tx, secret))) return undefined
      const person = link.person ?? (await createFirst(tx, name))
      if (person === undefined) return undefined
      // Only the link proves who this is: the person is the actor.
      await savePassword(tx, person.id, hash, actorOf(person))
      return openSession(deps, tx, person, browser, 'link')
    })
    if (session === 'disabled') return refuse(deps, disabled, { ...facts, person: name })
    return session === undefined ? isVoid() : { session }
  })
}

const voidLink =
  'this link is not valid: it has been used, or it has expired. For a new link, run on the server: bootwright person reset NAME'

async function isDisabled(tx: Tx, id: string): Promise<boolean> {
  return (await lockPerson(tx, id)).disabledAt !== null
}

/** Creates the first person, under the lock of admins. Of several first links, only one creates a person. */
async function createFirst(tx: Tx, name: string): Promise<{ id: string; name: string } | undefined> {
  if (await hasAdmin(tx)) return undefined
  await dropFirstLinks(tx)
  return createPerson(tx, { name, role: 'admin' }, `person ${name}`)
}
