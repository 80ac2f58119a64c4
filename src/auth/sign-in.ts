// Sign-in with a name and a password.

import type { Tx } from '../db/transaction.ts'
import { noteSignIn } from '../inventory/access/people.ts'
import { findPassword, rehashPassword } from '../inventory/access/person-passwords.ts'
import { type Browser, createSession, type SignInMethod } from '../inventory/access/sessions.ts'
import { claimAttempt, clearFailures, hasSignedInFrom } from '../inventory/access/sign-in-failures.ts'
import { parsePersonName } from '../model/access/person-name.ts'
import { maxPasswordLength } from './password-rules.ts'
import {
  disabled,
  refuse,
  type SignedIn,
  type SignInDeps,
  type SignInRefusal,
  type SignInResult,
  takeAttempt,
  unlessBusy,
} from './sign-in-deps.ts'

const noPerson = '00000000-0000-0000-0000-000000000000'

const wrong: SignInRefusal = {
  code: 'BW-SIGN-IN',
  message:
    'the name or the password is wrong. If the password is lost, ask an admin for a link: bootwright person reset NAME',
}

/**
 * Signs a person in. The refusal is the same whether the name is unknown or the password is wrong.
 *
 * Two limits hold, and neither locks a person out for good. Attempts are limited by address. After failures in a row, a name is
 * locked for some minutes, whether or not a person has it. During a lockout, the sessions of the person continue. An address
 * that has signed the person in before is still accepted: an attacker elsewhere does not have it, and the limit by address holds
 * there. `bootwright person reset` ends a lockout.
 */
export async function signInWithPassword(
  deps: SignInDeps,
  { name: given, password, address, userAgent }: Browser & { name: string; password: string },
): Promise<SignInResult> {
  const name = parsePersonName(given)
  const limited = takeAttempt(deps, address, 'password')
  if (limited !== undefined) return limited
  if (name === undefined || password.length > 2 * maxPasswordLength)
    return refuse(deps, wrong, { ip: address, method: 'password' })
  return unlessBusy(deps, address, () => verifyAndSignIn(deps, { name, password, address, userAgent }))
}

async function verifyAndSignIn(
  deps: SignInDeps,
  { name, password, ...browser }: Browser & { name: string; password: string },
): Promise<SignInResult> {
  const { db, passwords, lockout } = deps
  const found = await findPassword(db, { name })
  const facts = { ip: browser.address, person: found?.name, method: 'password' }
  const lockedUntil = await claimAttempt(db, name, lockout)
  if (lockedUntil !== undefined) {
    // An unknown name is looked up too, so that the time does not show which names exist.
    const isKnownAddress = await hasSignedInFrom(db, found?.id ?? noPerson, browser.address)
    if (!isKnownAddress) return refuse(deps, lockedOut(lockedUntil), facts)
  }
  const { ok, rehash } = await passwords.verify(found?.password, password)
  if (!ok || found === undefined) return refuse(deps, wrong, facts)
  if (found.disabledAt !== null) return refuse(deps, disabled, facts)
  const session = await db.transaction(async (tx) => {
    const now = await findPassword(tx, { id: found.id })
    // A reset, a new password or a disabling that came in between wins.
    if (now === undefined || now.password !== found.password || now.disabledAt !== null) return undefined
    if (rehash !== undefined && found.password !== null) await rehashPassword(tx, found.id, found.password, rehash)
    return openSession(deps, tx, found, browser, 'password')
  })
  return session === undefined ? refuse(deps, wrong, facts) : { session }
}

/** Opens a session for a person whose identity is verified: ends the row of failures, and records the sign-in. */
export async function openSession(
  { log, sessions }: Pick<SignInDeps, 'log' | 'sessions'>,
  tx: Tx,
  person: { id: string; name: string },
  browser: Browser,
  method: SignInMethod,
): Promise<SignedIn> {
  await clearFailures(tx, person.name)
  await noteSignIn(tx, person.id)
  const { secret, expiresAt, id } = await createSession(tx, person, { method, ...browser }, sessions)
  log.info({ person: person.name, session: id, ip: browser.address, method }, 'person signed in')
  return { secret, expiresAt, person: { id: person.id, name: person.name } }
}

function lockedOut(until: Date): SignInRefusal {
  const retryAfterSeconds = Math.max(1, Math.ceil((until.getTime() - Date.now()) / 1000))
  const message = `too many failed sign-ins with this name: try again in ${Math.ceil(retryAfterSeconds / 60)} min, or run on the server: bootwright person reset NAME`
  return { code: 'BW-SIGN-IN-LOCKED', message, retryAfterSeconds }
}
