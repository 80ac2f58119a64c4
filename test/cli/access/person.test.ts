import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLink } from '../../../src/auth/links.ts'
import { signInWithPassword } from '../../../src/auth/sign-in.ts'
import { type Operator, run, startOperator } from '../../helpers/operator.ts'
import { browser, codeOf, goodPassword, sessionOf, signInDeps } from '../../helpers/people.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator.stop())

const deps = () => signInDeps(operator.boot.deps.db)
const signIn = (name: string, password = goodPassword) => signInWithPassword(deps(), { ...browser, name, password })
const openLink = (url: string, password = goodPassword) =>
  useLink(deps(), url.trim().split('/').at(-1) ?? '', { ...browser, password })

test('the operator on the shell adds people, resets, changes, disables and deletes them', async () => {
  const added = await operator.run('person', 'add', 'Anna', '--role', 'admin')
  expect(added.out).toMatch(/^http:\/\/192\.0\.2\.1:8081\/welcome\/[\w-]{43}\n$/)
  expect(added.err).toMatch(/^anna opens this link once, before .*, and sets a password\n$/)
  sessionOf(await openLink(added.out))
  expect((await operator.run('person', 'list')).out).toMatch(
    /^NAME +ROLE +SIGNS IN WITH +LAST SIGN-IN +STATE\nanna +admin +password +\S+ \S+Z +enabled\n$/,
  )

  const bob = await operator.run('person', 'add', 'bob', '--role', 'viewer')
  sessionOf(await openLink(bob.out))
  expect((await operator.run('person', 'set', 'bob', '--role', 'operator', '--disable')).out).toMatch(
    /role +operator\n(.*\n)*state +disabled/,
  )
  expect(codeOf(await signIn('bob'))).toBe('BW-SIGN-IN-DISABLED')
  await operator.run('person', 'set', 'bob', '--enable')
  sessionOf(await signIn('bob'))

  const listed = await operator.run('person', 'sessions', 'bob')
  const [id = ''] = /^[0-9a-f-]{36}/m.exec(listed.out) ?? []
  expect(listed.out).toContain('192.0.2.7')
  expect((await operator.run('person', 'revoke', 'bob', '--session', id)).err).toBe(`session ${id} revoked\n`)
  expect((await operator.run('person', 'revoke', 'bob')).err).toBe('all sessions of bob revoked\n')
  expect((await operator.run('person', 'sessions', 'bob')).out).not.toContain('192.0.2.7')
  expect((await operator.run('person', 'sessions')).out).toContain('anna')

  expect((await operator.run('person', 'delete', 'bob')).err).toBe('person bob deleted\n')
  expect((await operator.run('person', 'list')).out).not.toContain('bob')
})

test('a reset on the shell unlocks a person whom an attacker has locked out', async () => {
  const added = await operator.run('person', 'add', 'lea', '--role', 'admin')
  expect(added.exitCode).toBe(0)
  for (let count = 0; count < 11; count++) await signIn('lea', 'not the password')
  expect(codeOf(await signIn('lea'))).toBe('BW-SIGN-IN-LOCKED')
  const link = await operator.run('person', 'reset', 'lea')
  sessionOf(await openLink(link.out, 'another kettle 43'))
  sessionOf(await signIn('lea', 'another kettle 43'))
})

test('wrong usage and refusals are explained', async () => {
  expect((await operator.run('person', 'add', 'x')).err).toContain("required option '--role <role>' not specified")
  expect((await operator.run('person', 'set', 'anna')).err).toContain('expected --role, --disable or --enable')
  expect((await operator.run('person', 'set', 'anna', '--disable', '--enable')).exitCode).toBe(2)
  expect((await operator.run('person', 'reset', 'nobody')).err).toContain('there is no person nobody')
  await operator.run('person', 'delete', 'lea')
  expect((await operator.run('person', 'delete', 'anna')).err).toContain('last enabled admin with a password')
})

test('a token of an operator cannot manage people over the network', async () => {
  const token = (await operator.run('token', 'create', 'ops', '--role', 'operator')).out.trim()
  const env = { BOOTWRIGHT_URL: operator.adminUrl, BOOTWRIGHT_TOKEN: token }
  const refused = await run(env, ['person', 'add', 'mallory', '--role', 'admin'])
  expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('expected the role admin')])
})
