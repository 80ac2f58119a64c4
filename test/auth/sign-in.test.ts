import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { createPasswords } from '../../src/auth/passwords.ts'
import { signInWithPassword } from '../../src/auth/sign-in.ts'
import type { SignInDeps } from '../../src/auth/sign-in-deps.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { resetPerson } from '../../src/inventory/access/password-links.ts'
import { changePerson, createPerson, findPerson } from '../../src/inventory/access/people.ts'
import { findPassword } from '../../src/inventory/access/person-passwords.ts'
import { findSession } from '../../src/inventory/access/sessions.ts'
import { pruneFailures } from '../../src/inventory/access/sign-in-failures.ts'
import { createTokenBuckets } from '../../src/lib/time/token-buckets.ts'
import { eachDatabase } from '../helpers/database.ts'
import { addTestPerson, browser, codeOf, goodPassword, sessionOf, signInDeps } from '../helpers/people.ts'

eachDatabase('a sign-in with a password', (database) => {
  const signIn = (deps: SignInDeps, name: string, password = goodPassword, address = browser.address) =>
    signInWithPassword(deps, { ...browser, name, password, address })
  const fail = async (deps: SignInDeps, name: string, times: number, address?: string) => {
    for (let count = 0; count < times; count++)
      expect(codeOf(await signIn(deps, name, 'not the password', address))).toBe('BW-SIGN-IN')
  }

  test('opens a session, in any spelling of the name, and records the time', async () => {
    const deps = signInDeps(database())
    const { id } = await addTestPerson(database(), 'anna')
    const { secret, person } = sessionOf(await signIn(deps, ' Anna '))
    expect(person).toEqual({ id, name: 'anna' })
    expect(await findSession(database(), secret, deps.sessions)).toMatchObject({ person: { id, role: 'admin' } })
    expect((await findPerson(database(), { id }))?.lastSignInAt).toEqual(expect.any(Date))
  })

  test('is refused with the same answer for a wrong password, an unknown name and a person without a password', async () => {
    const deps = signInDeps(database())
    await addTestPerson(database(), 'anna')
    await createPerson(database(), { name: 'carl', role: 'viewer' }, 'tester')
    const oidc = { issuer: 'https://id.example.org', subject: '1' }
    await createPerson(database(), { name: 'bob', role: 'viewer', oidc }, 'tester')
    const wrong = await signIn(deps, 'anna', 'not the password')
    expect(codeOf(wrong)).toBe('BW-SIGN-IN')
    for (const name of ['nobody', 'carl', 'bob', '', 'x'.repeat(65), 'a\u0000b'])
      expect([name, await signIn(deps, name)]).toEqual([name, wrong])
    // Unknown names are compared with the hash of this password.
    expect(await signIn(deps, 'nobody', 'nobody')).toEqual(wrong)
  })

  test('logs and counts each refusal with its code, and never the password, nor an unknown name', async () => {
    const deps = signInDeps(database())
    await addTestPerson(database(), 'anna')
    await signIn(deps, 'anna', 'hunter2 hunter2')
    await signIn(deps, 'a password hunter2', 'hunter2 hunter2')
    const line = deps.logged.map((text) => JSON.parse(text)).find(({ msg }) => msg === 'sign-in refused')
    expect(line).toMatchObject({ code: 'BW-SIGN-IN', person: 'anna', ip: browser.address, method: 'password' })
    expect(deps.logged.join('')).not.toContain('hunter2')
    const metrics = deps.metrics as unknown as { scrape: () => Promise<string> }
    expect(await metrics.scrape()).toContain('bootwright_audit_refused_total{reason="BW-SIGN-IN"} 2')
  })

  test('is refused for a disabled person, who learns it only with the right password', async () => {
    const deps = signInDeps(database())
    const { id } = await addTestPerson(database(), 'anna', 'viewer')
    await changePerson(database(), id, { disabled: true }, {}, 'tester')
    expect(codeOf(await signIn(deps, 'anna', 'not the password'))).toBe('BW-SIGN-IN')
    expect(codeOf(await signIn(deps, 'anna'))).toBe('BW-SIGN-IN-DISABLED')
  })

  test.each(['anna', 'nobody'])(
    'locks the name %s after ten failures in a row, also for the right password',
    async (name) => {
      const deps = signInDeps(database())
      await addTestPerson(database(), 'anna')
      await fail(deps, name, 10)
      const locked = await signIn(deps, name)
      expect(locked).toMatchObject({ refusal: { code: 'BW-SIGN-IN-LOCKED' } })
      const { retryAfterSeconds = 0 } = (locked as { refusal: { retryAfterSeconds?: number } }).refusal
      expect(retryAfterSeconds).toBeGreaterThan(890)
      expect(retryAfterSeconds).toBeLessThanOrEqual(900)
    },
  )

  test('counts attempts that come at the same time, so not more than ten are verified', async () => {
    const deps = signInDeps(database())
    await addTestPerson(database(), 'anna')
    const codes = (await Promise.all(Array.from({ length: 30 }, () => signIn(deps, 'anna', 'not the password')))).map(
      codeOf,
    )
    expect(codes.filter((code) => code === 'BW-SIGN-IN')).toHaveLength(10)
    expect(codes.filter((code) => code === 'BW-SIGN-IN-LOCKED')).toHaveLength(20)
  })

  test('begins a new row of failures after a success and after a lockout', async () => {
    const deps = signInDeps(database())
    await addTestPerson(database(), 'anna')
    await fail(deps, 'anna', 9)
    sessionOf(await signIn(deps, 'anna'))
    await fail(deps, 'anna', 10, '198.51.100.1')
    expect(codeOf(await signIn(deps, 'anna', goodPassword, '198.51.100.1'))).toBe('BW-SIGN-IN-LOCKED')
    await database().execute(sql`update sign_in_failures set locked_until = now() - interval '1 second'`)
    await fail(deps, 'anna', 9, '198.51.100.1')
    sessionOf(await signIn(deps, 'anna', goodPassword, '198.51.100.1'))
  })

  test('succeeds during a lockout from an address that signed the person in before', async () => {
    const deps = signInDeps(database())
    await addTestPerson(database(), 'anna')
    const before = sessionOf(await signIn(deps, 'anna', goodPassword, '192.0.2.50'))
    await fail(deps, 'anna', 10, '198.51.100.1')
    expect(codeOf(await signIn(deps, 'anna', goodPassword, '198.51.100.1'))).toBe('BW-SIGN-IN-LOCKED')
    expect(await findSession(database(), before.secret, deps.sessions)).toBeDefined()
    expect(codeOf(await signIn(deps, 'anna', 'not the password', '192.0.2.50'))).toBe('BW-SIGN-IN')
    sessionOf(await signIn(deps, 'anna', goodPassword, '192.0.2.50'))
  })

  test('succeeds again after a reset on the shell, which ends the lockout', async () => {
    const deps = signInDeps(database())
    const { id } = await addTestPerson(database(), 'anna')
    await fail(deps, 'anna', 10)
    await resetPerson(database(), id, 'operator')
    sessionOf(await signIn(deps, 'anna'))
  })

  test('is limited by address, an IPv6 client by its /64, and no password is verified beyond the limit', async () => {
    const attempts = createTokenBuckets({ burst: 3, everyMs: 60_000 })
    const deps = signInDeps(database(), { attempts })
    await addTestPerson(database(), 'anna')
    await fail(deps, 'anna', 3, '2001:db8::1')
    const refused = await signIn(deps, 'anna', goodPassword, '2001:db8::2')
    expect(refused).toMatchObject({ refusal: { code: 'BW-SIGN-IN-RATE', retryAfterSeconds: 60 } })
    sessionOf(await signIn(deps, 'anna', goodPassword, '2001:db8:1::1'))
  })

  test('stores a hash of today if the stored one has another cost', async () => {
    const { id } = await addTestPerson(database(), 'anna')
    const deps = signInDeps(database(), { passwords: createPasswords({ memoryCost: 16, timeCost: 2, parallelism: 1 }) })
    sessionOf(await signIn(deps, 'anna'))
    expect((await findPassword(database(), { id }))?.password).toContain('m=16,t=2')
    sessionOf(await signIn(deps, 'anna'))
  })

  test('old failures are deleted', async () => {
    await fail(signInDeps(database()), 'anna', 1)
    await fail(signInDeps(database()), 'berta', 1)
    await database().execute(sql`update sign_in_failures set last_at = now() - interval '25 hours' where name = 'anna'`)
    await pruneFailures(database())
    expect(rowsOf(await database().execute(sql`select name from sign_in_failures`))).toEqual([{ name: 'berta' }])
  })
})
