import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { addPerson, linkUrl, useLink } from '../../src/auth/links.ts'
import { signInWithPassword } from '../../src/auth/sign-in.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { ensureFirstLink, findLink, pruneLinks, resetPerson } from '../../src/inventory/access/password-links.ts'
import { changePerson, createPerson, listPeople } from '../../src/inventory/access/people.ts'
import { findSession } from '../../src/inventory/access/sessions.ts'
import { eachDatabase } from '../helpers/database.ts'
import { addTestPerson, browser, codeOf, goodPassword, sessionOf, signInDeps } from '../helpers/people.ts'

const newPassword = 'another kettle 43'

eachDatabase('one-time links', (database) => {
  const use = (secret: string, name?: string, password = newPassword) =>
    useLink(signInDeps(database()), secret, { ...browser, name, password })
  const firstLink = async () => (await ensureFirstLink(database()))?.secret ?? ''

  test('the link of the first start creates the first admin, who is signed in', async () => {
    const secret = await firstLink()
    expect(linkUrl('http://127.0.0.1:8081', { secret })).toBe(`http://127.0.0.1:8081/welcome/${secret}`)
    expect(await findLink(database(), secret)).toEqual({ person: undefined, expiresAt: expect.any(Date) })
    const session = sessionOf(await use(secret, 'Anna'))
    expect(await findSession(database(), session.secret, { idleHours: 12, maxDays: 7 })).toMatchObject({
      person: { name: 'anna', role: 'admin' },
    })
    expect(await ensureFirstLink(database())).toBeUndefined()
  })

  test('each start without an admin makes a first link, and all are void once an admin exists', async () => {
    const [one, two] = [await firstLink(), await firstLink()]
    sessionOf(await use(one, 'anna'))
    expect(codeOf(await use(two, 'mallory'))).toBe('BW-SIGN-IN-LINK')
    expect(await findLink(database(), two)).toBeUndefined()
    expect((await listPeople(database(), 10)).map(({ name }) => name)).toEqual(['anna'])
  })

  test('of two requests with the same link, one wins', async () => {
    const secret = await firstLink()
    const results = await Promise.all([use(secret, 'anna'), use(secret, 'berta')])
    expect(results.map(codeOf).sort()).toEqual(['BW-SIGN-IN-LINK', undefined])
    const other = await firstLinks()
    expect(other).toEqual([])
    expect(await listPeople(database(), 10)).toHaveLength(1)
  })

  test('of two requests with two first links, one creates a person', async () => {
    const [one, two] = [await firstLink(), await firstLink()]
    const results = await Promise.all([use(one, 'anna'), use(two, 'berta')])
    expect(results.map(codeOf).sort()).toEqual(['BW-SIGN-IN-LINK', undefined])
    expect(await listPeople(database(), 10)).toHaveLength(1)
  })

  test('a refused password or name leaves the link valid', async () => {
    const secret = await firstLink()
    await expect(use(secret, 'anna', 'short')).rejects.toThrow('password: expected at least 12 characters')
    await expect(use(secret)).rejects.toThrow('name: expected a name')
    sessionOf(await use(secret, 'anna'))
  })

  test('a new person sets the password with a link, and then signs in with it', async () => {
    const { person, link } = await addPerson(database(), { name: 'bob', role: 'viewer' }, 'tester')
    expect((await findLink(database(), link.secret))?.person).toEqual({ id: person.id, name: 'bob' })
    sessionOf(await use(link.secret, 'another name'))
    const signedIn = await signInWithPassword(signInDeps(database()), {
      ...browser,
      name: 'bob',
      password: newPassword,
    })
    expect(sessionOf(signedIn).person.id).toBe(person.id)
    expect(codeOf(await use(link.secret))).toBe('BW-SIGN-IN-LINK')
  })

  test('a reset ends sessions and earlier links, and the password is valid until the link is used', async () => {
    const anna = await addTestPerson(database(), 'anna')
    const deps = signInDeps(database())
    const before = sessionOf(await signInWithPassword(deps, { ...browser, name: 'anna', password: goodPassword }))
    const first = (await resetPerson(database(), anna.id, 'operator')).link
    const second = (await resetPerson(database(), anna.id, 'operator')).link
    expect(await findSession(database(), before.secret, deps.sessions)).toBeUndefined()
    expect(codeOf(await use(first.secret))).toBe('BW-SIGN-IN-LINK')
    sessionOf(await signInWithPassword(deps, { ...browser, name: 'anna', password: goodPassword }))
    sessionOf(await use(second.secret))
    expect(codeOf(await signInWithPassword(deps, { ...browser, name: 'anna', password: goodPassword }))).toBe(
      'BW-SIGN-IN',
    )
  })

  test('an expired link is not valid, and is deleted', async () => {
    const { link } = await addPerson(database(), { name: 'bob', role: 'viewer' }, 'tester')
    await database().execute(sql`update password_links set expires_at = now()`)
    expect(codeOf(await use(link.secret))).toBe('BW-SIGN-IN-LINK')
    await pruneLinks(database())
    expect(await firstLinks()).toEqual([])
  })

  test('a disabled person gets no session from a link, and the link is kept', async () => {
    const { person, link } = await addPerson(database(), { name: 'bob', role: 'viewer' }, 'tester')
    await changePerson(database(), person.id, { disabled: true }, {}, 'tester')
    expect(codeOf(await use(link.secret))).toBe('BW-SIGN-IN-DISABLED')
    await changePerson(database(), person.id, { disabled: false }, {}, 'tester')
    sessionOf(await use(link.secret))
  })

  test('a flood of attempts from many addresses gets a few turns at the database, and then refusals', async () => {
    const deps = signInDeps(database())
    const attempts = Array.from({ length: 100 }, (_, index) =>
      useLink(deps, 'nothing', { ...browser, address: `192.0.2.${index}`, password: newPassword }),
    )
    const codes = (await Promise.all(attempts)).map(codeOf)
    expect(codes.filter((code) => code === 'BW-SIGN-IN-RATE').length).toBe(64)
    expect(codes.filter((code) => code === 'BW-SIGN-IN-LINK').length).toBe(36)
  })

  test('only the hash of a link is stored, and no log line has it', async () => {
    const deps = signInDeps(database())
    const { link } = await addPerson(database(), { name: 'bob', role: 'viewer' }, 'tester')
    const rows = JSON.stringify([
      await database().execute(sql`select * from password_links`),
      await database().execute(sql`select * from changes`),
    ])
    expect(rows).not.toContain(link.secret)
    await useLink(deps, link.secret, { ...browser, password: newPassword })
    await useLink(deps, link.secret, { ...browser, password: newPassword })
    expect(deps.logged.join('')).not.toContain(link.secret)
  })

  test('a person of an OpenID provider gets no link', async () => {
    const oidc = { issuer: 'https://id.example.org', subject: '1' }
    const bob = await createPerson(database(), { name: 'bob', role: 'viewer', oidc }, 'tester')
    await expect(resetPerson(database(), bob.id, 'operator')).rejects.toThrow(/no password here/)
  })

  const firstLinks = async () => rowsOf(await database().execute(sql`select * from password_links`))
})
