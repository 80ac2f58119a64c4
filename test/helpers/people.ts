import { pino } from 'pino'
import { createPasswords } from '../../src/auth/passwords.ts'
import { createSignInDeps, type SignInDeps, type SignInResult } from '../../src/auth/sign-in-deps.ts'
import type { Db } from '../../src/db/open.ts'
import { createPerson, type Person } from '../../src/inventory/access/people.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import type { Role } from '../../src/model/access/role.ts'

/** A password that is accepted for any person of the tests. */
export const goodPassword = 'violet kettle 42'

/** Hashes with little work, for tests. */
export const quickPasswords = createPasswords({ memoryCost: 8, timeCost: 1, parallelism: 1 })

export const browser = { address: '192.0.2.7', userAgent: 'Test/1.0' }

/** The deps of sign-ins, with quick hashes and no limit by address; `logged` gets the log lines. */
export function signInDeps(db: Db, change: Partial<SignInDeps> = {}): SignInDeps & { logged: string[] } {
  const logged: string[] = []
  const deps = createSignInDeps({
    db,
    log: pino({ base: null }, { write: (line) => logged.push(line) }),
    metrics: createMetrics(),
    passwords: quickPasswords,
    attempts: () => 0,
    sessions: { idleHours: 12, maxDays: 7 },
    ...change,
  })
  return { ...deps, logged }
}

/** Creates a person with `goodPassword`. */
export async function addTestPerson(db: Db, name: string, role: Role = 'admin'): Promise<Person> {
  return createPerson(db, { name, role, password: await quickPasswords.hash(goodPassword, name) }, 'tester')
}

/** The session of a result, or an error with the refusal. */
export function sessionOf(result: SignInResult) {
  if ('refusal' in result) throw new Error(`refused: ${result.refusal.code} ${result.refusal.message}`)
  return result.session
}

/** The code of a refusal; undefined for a session. */
export function codeOf(result: SignInResult): string | undefined {
  return 'refusal' in result ? result.refusal.code : undefined
}
