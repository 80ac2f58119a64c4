// What sign-ins need, and how they are refused.
import type { Db } from '../db/open.ts'
import type { SessionLimits, SignInMethod } from '../inventory/access/sessions.ts'
import type { LockoutLimits } from '../inventory/access/sign-in-failures.ts'
import { BusyError, createGate, type Gate } from '../lib/gate.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { sharerOf } from '../lib/subnet.ts'
import { createTokenBuckets, type TokenBuckets } from '../lib/time/token-buckets.ts'
import type { SignInCode } from '../model/findings/sign-in.ts'
import { createPasswords, type Passwords } from './passwords.ts'

/** The parts of the server that sign-ins use. */
export type SignInDeps = {
  db: Db
  log: Pick<Logger, 'info' | 'warn'>
  metrics: Pick<Metrics, 'adminRefused'>
  passwords: Passwords
  /** Limits attempts by address. */
  attempts: TokenBuckets
  /** Runs a few attempts at once, so that a flood of them cannot keep the database from boots. */
  turns: Gate
  lockout: LockoutLimits
  sessions: SessionLimits
}

/** A new session. The secret goes into the cookie of the browser, and nowhere else. */
export type SignedIn = { secret: string; expiresAt: Date; person: { id: string; name: string } }

/** A refusal: its code, a sentence with the next step, and after how long another attempt makes sense. */
export type SignInRefusal = { code: SignInCode; message: string; retryAfterSeconds?: number }

export type SignInResult = { session: SignedIn } | { refusal: SignInRefusal }

/** The refusal of a disabled person, whose identity is verified. */
export const disabled: SignInRefusal = {
  code: 'BW-SIGN-IN-DISABLED',
  message: 'this person is disabled. Next step: ask an admin to enable the person',
}

/** 20 attempts at once, then 10 a minute from an address: enough for an office behind one address. */
const addressLimit = { burst: 20, everyMs: 6000 }
const attemptLimit = { maxAtOnce: 4, maxWaiting: 32 }
const usualLockout: LockoutLimits = { maxFailures: 10, lockMinutes: 15 }

/** The deps with their usual limits. */
export function createSignInDeps(
  given: Pick<SignInDeps, 'db' | 'log' | 'metrics' | 'sessions'> & Partial<SignInDeps>,
): SignInDeps {
  const usual = {
    passwords: createPasswords(),
    attempts: createTokenBuckets(addressLimit),
    turns: createGate(attemptLimit),
    lockout: usualLockout,
  }
  return { ...usual, ...given }
}

/** Takes an attempt of an address. If it has none left, the refusal. */
export function takeAttempt(deps: SignInDeps, address: string, method: SignInMethod): SignInResult | undefined {
  const retryAfterSeconds = deps.attempts(sharerOf(address))
  if (retryAfterSeconds === 0) return undefined
  const message = `too many sign-ins from this address: try again in ${retryAfterSeconds} s`
  return refuse(deps, { code: 'BW-SIGN-IN-RATE', message, retryAfterSeconds }, { ip: address, method })
}

/**
 * Logs and counts a refusal. `facts` are for the log: never a password, a token or a link. Nor an unknown name: people type passwords into
 * the field of the name.
 */
export function refuse(
  { log, metrics }: Pick<SignInDeps, 'log' | 'metrics'>,
  refusal: SignInRefusal,
  facts: Record<string, string | undefined>,
): { refusal: SignInRefusal } {
  metrics.adminRefused(refusal.code)
  log.warn({ ...facts, code: refusal.code }, 'sign-in refused')
  return { refusal }
}

/** Runs an attempt in its turn. If too many wait already, the refusal. */
export async function unlessBusy(
  deps: SignInDeps,
  address: string,
  work: () => Promise<SignInResult>,
): Promise<SignInResult> {
  try {
    return await deps.turns(work)
  } catch (error) {
    if (!(error instanceof BusyError)) throw error
    return refuse(deps, { code: 'BW-SIGN-IN-RATE', message: error.message, retryAfterSeconds: 5 }, { ip: address })
  }
}
