// A person who is signed in changes the own password.
import { actorOf } from '../inventory/access/people.ts'
import { findPassword, refuseProviderPerson, savePassword } from '../inventory/access/person-passwords.ts'
import { requireFound } from '../lib/errors.ts'
import { maxPasswordLength } from './password-rules.ts'
import type { SignInDeps, SignInRefusal } from './sign-in-deps.ts'

/**
 * Changes the password of a person who gives the current one. All other sessions end. Attempts are limited by person, so a stolen
 * session cannot try passwords, and by no lockout, so it cannot lock the person out either.
 * @throws InputError if the new password is refused; ConflictError for a person of an OpenID provider
 */
export async function changeOwnPassword(
  { db, passwords, attempts }: Pick<SignInDeps, 'db' | 'passwords' | 'attempts'>,
  { id, session }: { id: string; session: string | undefined },
  given: { current: string; new: string },
): Promise<SignInRefusal | undefined> {
  const person = await findPassword(db, { id })
  requireFound(person, `person ${id}`)
  refuseProviderPerson(person)
  const retryAfterSeconds = attempts(`person ${id}`)
  if (retryAfterSeconds > 0) {
    const message = `too many attempts to change this password: try again in ${retryAfterSeconds} s`
    return { code: 'BW-SIGN-IN-RATE', message, retryAfterSeconds }
  }
  const { ok } = await passwords.verify(person.password, given.current.slice(0, 2 * maxPasswordLength))
  if (!ok) return { code: 'BW-SIGN-IN', message: 'current: the current password is wrong' }
  const hash = await passwords.hash(given.new, person.name, 'new')
  await savePassword(db, id, hash, actorOf(person), session)
  return undefined
}
