import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { rowsOf } from '../../../src/db/rows.ts'
import {
  changePerson,
  createPerson,
  deletePerson,
  findPerson,
  followGroups,
  hasAdmin,
  listPeople,
} from '../../../src/inventory/access/people.ts'
import { savePassword } from '../../../src/inventory/access/person-passwords.ts'
import { createSession, findSession } from '../../../src/inventory/access/sessions.ts'
import { listChanges } from '../../../src/inventory/changes/changes.ts'
import { PreconditionError } from '../../../src/inventory/common/precondition.ts'
import { ConflictError, NotFoundError } from '../../../src/lib/errors.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { addTestPerson, browser } from '../../helpers/people.ts'

const limits = { idleHours: 12, maxDays: 7 }
const oidc = { issuer: 'https://id.example.org', subject: '42' }

eachDatabase('people', (database) => {
  const sessionFor = (person: { id: string; name: string }) =>
    database().transaction((tx) => createSession(tx, person, { method: 'password', ...browser }, limits))

  test('two people cannot have the same name, and people are listed by name', async () => {
    await addTestPerson(database(), 'berta')
    await addTestPerson(database(), 'anna', 'viewer')
    await expect(addTestPerson(database(), 'anna')).rejects.toThrow(ConflictError)
    expect((await listPeople(database(), 10)).map(({ name }) => name)).toEqual(['anna', 'berta'])
    expect((await listPeople(database(), 10, 'anna')).map(({ name }) => name)).toEqual(['berta'])
  })

  test('each change is in the audit log with its actor, and never with a password', async () => {
    const { id } = await addTestPerson(database(), 'anna')
    await addTestPerson(database(), 'berta')
    await changePerson(database(), id, { role: 'viewer' }, {}, 'token ci')
    await changePerson(database(), id, { role: 'viewer', disabled: false }, {}, 'token ci')
    await savePassword(database(), id, '$argon2id$new', 'person anna')
    await deletePerson(database(), id, {}, 'operator')
    const changes = await listChanges(database(), { subject: id }, 10)
    expect(changes.map(({ actor, type, before, after }) => [actor, type, before, after])).toEqual([
      ['operator', 'person.deleted', { name: 'anna', role: 'viewer', disabled: false }, null],
      ['person anna', 'person.password-set', null, { name: 'anna' }],
      [
        'token ci',
        'person.changed',
        { name: 'anna', role: 'admin', disabled: false },
        { name: 'anna', role: 'viewer', disabled: false },
      ],
      ['tester', 'person.created', null, { name: 'anna', role: 'admin', disabled: false }],
    ])
    expect(JSON.stringify(changes)).not.toContain('argon2')
  })

  test('the last enabled admin with a password stays', async () => {
    const anna = await addTestPerson(database(), 'anna')
    await createPerson(database(), { name: 'bob', role: 'admin', oidc }, 'tester')
    await createPerson(database(), { name: 'carl', role: 'admin' }, 'tester')
    for (const attempt of [
      () => changePerson(database(), anna.id, { role: 'operator' }, {}, 'x'),
      () => changePerson(database(), anna.id, { disabled: true }, {}, 'x'),
      () => deletePerson(database(), anna.id, {}, 'x'),
    ])
      await expect(attempt()).rejects.toThrow(/last enabled admin with a password/)
    const berta = await addTestPerson(database(), 'berta')
    await changePerson(database(), anna.id, { disabled: true }, {}, 'x')
    await expect(deletePerson(database(), berta.id, {}, 'x')).rejects.toThrow(ConflictError)
    await deletePerson(database(), anna.id, {}, 'x')
  })

  test('of two requests that remove the last two admins, one is refused', async () => {
    const [anna, berta] = [await addTestPerson(database(), 'anna'), await addTestPerson(database(), 'berta')]
    const results = await Promise.allSettled([
      changePerson(database(), anna.id, { role: 'viewer' }, {}, 'x'),
      changePerson(database(), berta.id, { disabled: true }, {}, 'x'),
    ])
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  })

  test.each([
    ['a change of the role', (id: string) => changePerson(database(), id, { role: 'viewer' }, {}, 'x')],
    ['disabling', (id: string) => changePerson(database(), id, { disabled: true }, {}, 'x')],
    ['a new password', (id: string) => savePassword(database(), id, 'hash', 'x')],
    ['deletion', (id: string) => deletePerson(database(), id, {}, 'x')],
  ])('%s ends all sessions of the person, and no other', async (_what, change) => {
    const [anna, berta] = [await addTestPerson(database(), 'anna'), await addTestPerson(database(), 'berta')]
    const [one, two, other] = [await sessionFor(anna), await sessionFor(anna), await sessionFor(berta)]
    await change(anna.id)
    expect(await findSession(database(), one.secret, limits)).toBeUndefined()
    expect(await findSession(database(), two.secret, limits)).toBeUndefined()
    expect(await findSession(database(), other.secret, limits)).toBeDefined()
  })

  test('a new password keeps the session that set it, and voids earlier links', async () => {
    const anna = await addTestPerson(database(), 'anna')
    const [own, other] = [await sessionFor(anna), await sessionFor(anna)]
    await database().execute(
      sql`insert into password_links (hash, person_id, expires_at) values ('x', ${anna.id}, now() + interval '1 day')`,
    )
    await savePassword(database(), anna.id, 'hash', 'person anna', own.id)
    expect(await findSession(database(), own.secret, limits)).toBeDefined()
    expect(await findSession(database(), other.secret, limits)).toBeUndefined()
    expect(rowsOf(await database().execute(sql`select * from password_links`))).toEqual([])
  })

  test('the role of a person of an OpenID provider follows the groups only, and the person has no password', async () => {
    const bob = await createPerson(database(), { name: 'bob', role: 'viewer', oidc }, 'tester')
    await expect(changePerson(database(), bob.id, { role: 'admin' }, {}, 'x')).rejects.toThrow(/groups/)
    await expect(savePassword(database(), bob.id, 'hash', 'x')).rejects.toThrow(/no password here/)
    expect((await followGroups(database(), bob.id, 'operator', 'x')).role).toBe('operator')
    expect((await changePerson(database(), bob.id, { disabled: true }, {}, 'x')).disabledAt).toEqual(expect.any(Date))
  })

  test('a change with an old ETag is refused', async () => {
    const anna = await addTestPerson(database(), 'anna', 'viewer')
    const old = { ifMatch: ['"0-0"'] }
    await expect(changePerson(database(), anna.id, { role: 'admin' }, old, 'x')).rejects.toThrow(PreconditionError)
    await expect(deletePerson(database(), anna.id, old, 'x')).rejects.toThrow(PreconditionError)
  })

  test('an admin exists once an enabled one can sign in', async () => {
    expect(await hasAdmin(database())).toBe(false)
    await createPerson(database(), { name: 'carl', role: 'admin' }, 'tester')
    await addTestPerson(database(), 'vera', 'viewer')
    expect(await hasAdmin(database())).toBe(false)
    await createPerson(database(), { name: 'bob', role: 'admin', oidc }, 'tester')
    expect(await hasAdmin(database())).toBe(true)
  })

  test('a person who does not exist is not found', async () => {
    const id = '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f'
    expect(await findPerson(database(), { id })).toBeUndefined()
    await expect(deletePerson(database(), id, {}, 'x')).rejects.toThrow(NotFoundError)
  })
})
