import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { rowsOf } from '../../../src/db/rows.ts'
import {
  createSession,
  findEndedSessions,
  findSession,
  listSessions,
  pruneSessions,
  revokeSession,
} from '../../../src/inventory/access/sessions.ts'
import { listChanges } from '../../../src/inventory/changes/changes.ts'
import { NotFoundError } from '../../../src/lib/errors.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { addTestPerson, browser } from '../../helpers/people.ts'

const limits = { idleHours: 12, maxDays: 7 }

eachDatabase('sessions', (database) => {
  const open = (person: { id: string; name: string }, address = browser.address) =>
    database().transaction((tx) =>
      createSession(tx, person, { method: 'password', userAgent: 'Test/1.0', address }, limits),
    )
  const count = async () => rowsOf(await database().execute(sql`select 1 from sessions`)).length

  test('only the hash of the secret is stored, and the audit log does not have it', async () => {
    const anna = await addTestPerson(database(), 'anna')
    const { secret, id } = await open(anna)
    expect(secret).toMatch(/^[\w-]{43}$/)
    const rows = JSON.stringify([
      await database().execute(sql`select * from sessions`),
      await database().execute(sql`select * from changes`),
    ])
    expect(rows).not.toContain(secret)
    expect(await findSession(database(), secret, limits)).toMatchObject({ id, person: { name: 'anna', role: 'admin' } })
    expect(await findSession(database(), 'x'.repeat(43), limits)).toBeUndefined()
  })

  test('a session ends when it was unused for too long, and at its absolute end', async () => {
    const anna = await addTestPerson(database(), 'anna')
    const [idle, old, alive] = [await open(anna), await open(anna), await open(anna)]
    await database().execute(
      sql`update sessions set last_used_at = now() - interval '12 hours 1 minute' where id = ${idle.id}`,
    )
    await database().execute(sql`update sessions set expires_at = now() where id = ${old.id}`)
    expect(await findSession(database(), idle.secret, limits)).toBeUndefined()
    expect(await findSession(database(), idle.secret, { ...limits, idleHours: 13 })).toBeDefined()
    expect(await findSession(database(), old.secret, limits)).toBeUndefined()
    expect((await listSessions(database(), limits)).map(({ id }) => id)).toContain(alive.id)
    expect(await findEndedSessions(database(), [old.id, alive.id])).toEqual([old.id])
    await pruneSessions(database(), limits)
    expect(await count()).toBe(2)
  })

  test('a use moves the rolling end, and is written at most once a minute', async () => {
    const { secret, id } = await open(await addTestPerson(database(), 'anna'))
    const lastUse = async () => (await listSessions(database(), limits))[0]?.lastUsedAt.getTime() ?? 0
    const first = await lastUse()
    await findSession(database(), secret, limits)
    expect(await lastUse()).toBe(first)
    await database().execute(sql`update sessions set last_used_at = now() - interval '11 hours' where id = ${id}`)
    await findSession(database(), secret, limits)
    expect(await lastUse()).toBeGreaterThanOrEqual(first)
  })

  test('the session of a disabled person is not found', async () => {
    const { secret } = await open(await addTestPerson(database(), 'anna'))
    await database().execute(sql`update people set disabled_at = now()`)
    expect(await findSession(database(), secret, limits)).toBeUndefined()
  })

  test('a revoked session ends at once, only its person or an admin revokes it, and the audit log has it', async () => {
    const [anna, bob] = [await addTestPerson(database(), 'anna'), await addTestPerson(database(), 'bob')]
    const { id, secret } = await open(anna)
    await expect(revokeSession(database(), id, 'person bob', bob.id)).rejects.toThrow(NotFoundError)
    await revokeSession(database(), id, 'person anna', anna.id)
    expect(await findSession(database(), secret, limits)).toBeUndefined()
    await expect(revokeSession(database(), id, 'operator')).rejects.toThrow(NotFoundError)
    const [revoked, created] = await listChanges(database(), { subject: anna.id, type: 'session' }, 10)
    const session = { name: 'anna', session: id, method: 'password', address: browser.address }
    expect(revoked).toMatchObject({ actor: 'person anna', type: 'session.revoked', before: session })
    expect(created).toMatchObject({ actor: 'person anna', type: 'session.created', after: session })
  })

  test('a person has at most 50 sessions, and the one that was used longest ago ends', async () => {
    const anna = await addTestPerson(database(), 'anna')
    const first = await open(anna)
    await database().execute(sql`update sessions set last_used_at = now() - interval '1 hour'`)
    for (let made = 1; made < 50; made++) await open(anna)
    expect(await findEndedSessions(database(), [first.id])).toEqual([])
    await open(anna)
    expect([await count(), await findEndedSessions(database(), [first.id])]).toEqual([50, [first.id]])
  })
})
