import { afterAll, beforeAll, expect, test } from 'vitest'
import { useLink } from '../../../src/auth/links.ts'
import type { Principal } from '../../../src/auth/principal.ts'
import { signInWithPassword } from '../../../src/auth/sign-in.ts'
import { actorOf, type Person } from '../../../src/inventory/access/people.ts'
import { findSession } from '../../../src/inventory/access/sessions.ts'
import { createTokenBuckets } from '../../../src/lib/time/token-buckets.ts'
import type { Role } from '../../../src/model/access/role.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { addTestPerson, browser, codeOf, goodPassword, sessionOf } from '../../helpers/people.ts'

eachDatabase('people over HTTP', (database) => {
  let api: Api
  let outside: Api
  beforeAll(async () => {
    api = await openApi(database())
    outside = await openApi(database(), { trusted: false })
  })
  afterAll(() => Promise.all([api.remove(), outside.remove()]))

  const signIn = async (name: string, password = goodPassword) =>
    signInWithPassword(api.deps.signIn, { ...browser, name, password })
  const principalOf = ({ id, name, role }: Person & { role: Role }, session?: string): Principal => ({
    kind: 'person',
    id,
    actor: actorOf({ name }),
    role,
    scope: undefined,
    ...(session !== undefined && { session }),
  })
  const alive = (secret: string) => findSession(database(), secret, api.deps.signIn.sessions)
  /** Asks as a person, as the page does. */
  const askAs = async (principal: Principal, method: string, path: string, body?: unknown, used = outside) => {
    const json = body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }
    const response = await used.app.request(`/api/v1${path}`, { method, ...json }, { principal })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: text === '' ? undefined : JSON.parse(text),
    }
  }

  test('a person is added with a link, sets a password with it, and signs in', async () => {
    const made = await api.ask('POST', '/api/v1/people', { name: 'Anna', role: 'operator' })
    expect(made.status).toBe(201)
    expect(made.body).toEqual({
      person: {
        id: made.body.person.id,
        name: 'anna',
        role: 'operator',
        disabled: false,
        hasPassword: false,
        revision: 1,
        createdAt: expect.any(String),
        updatedAt: expect.any(String),
      },
      link: {
        url: expect.stringMatching(/^http:\/\/192\.0\.2\.1:8081\/welcome\/[\w-]{43}$/),
        expiresAt: expect.any(String),
      },
    })
    const secret = made.body.link.url.split('/').at(-1)
    sessionOf(await useLink(api.deps.signIn, secret, { ...browser, password: goodPassword }))
    sessionOf(await signIn('anna'))
    expect((await api.ask('GET', '/api/v1/people/anna')).body).toMatchObject({ hasPassword: true, name: 'anna' })
    expect((await api.ask('GET', `/api/v1/people/${made.body.person.id}`)).body.name).toBe('anna')
    expect((await api.ask('POST', '/api/v1/people', { name: 'anna', role: 'viewer' })).status).toBe(409)
  })

  test('people are listed by name, in pages', async () => {
    for (const name of ['carl', 'anna', 'berta']) await addTestPerson(database(), name)
    const first = await api.ask('GET', '/api/v1/people?limit=2')
    expect(first.body.items.map(({ name }: Person) => name)).toEqual(['anna', 'berta'])
    const second = await api.ask('GET', `/api/v1/people?limit=2&after=${first.body.next}`)
    expect(second.body).toEqual({ items: [expect.objectContaining({ name: 'carl' })] })
    expect(JSON.stringify([first.body, second.body])).not.toContain('argon2')
  })

  test('a person is changed with the ETag, disabled, enabled and deleted', async () => {
    await addTestPerson(database(), 'root2')
    const { id } = await addTestPerson(database(), 'anna', 'viewer')
    const { headers } = await api.ask('GET', `/api/v1/people/${id}`)
    const etag = { 'if-match': headers.get('etag') ?? '' }
    const changed = await api.ask('PATCH', '/api/v1/people/anna', { role: 'operator' }, etag)
    expect([changed.status, changed.body.role]).toEqual([200, 'operator'])
    expect((await api.ask('PATCH', '/api/v1/people/anna', { role: 'admin' }, etag)).status).toBe(412)
    const disabled = await api.ask('PATCH', '/api/v1/people/anna', { disabled: true })
    expect(disabled.body).toMatchObject({ disabled: true, disabledAt: expect.any(String) })
    expect(codeOf(await signIn('anna'))).toBe('BW-SIGN-IN-DISABLED')
    expect((await api.ask('PATCH', '/api/v1/people/anna', { disabled: false })).body.disabled).toBe(false)
    expect((await api.ask('DELETE', '/api/v1/people/anna')).status).toBe(204)
    expect((await api.ask('GET', '/api/v1/people/anna')).status).toBe(404)
    const last = await api.ask('DELETE', '/api/v1/people/root2')
    expect([last.status, last.body.detail]).toEqual([409, expect.stringContaining('last enabled admin')])
  })

  test('input is strict', async () => {
    for (const body of [
      { name: 'anna' },
      { name: '', role: 'viewer' },
      { name: 'a\nb', role: 'viewer' },
      { name: 'x'.repeat(65), role: 'viewer' },
      { name: 'anna', role: 'root' },
      { name: 'anna', role: 'viewer', password: goodPassword },
      { name: '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f', role: 'viewer' },
    ])
      expect([body, (await api.ask('POST', '/api/v1/people', body)).status]).toEqual([body, 422])
  })

  test('a reset ends the sessions, and its link sets a new password once', async () => {
    await addTestPerson(database(), 'anna')
    const { secret } = sessionOf(await signIn('anna'))
    const { body } = await api.ask('POST', '/api/v1/people/anna/reset')
    expect(await alive(secret)).toBeUndefined()
    const link = body.link.url.split('/').at(-1)
    sessionOf(await useLink(api.deps.signIn, link, { ...browser, password: 'another kettle 43' }))
    expect(codeOf(await useLink(api.deps.signIn, link, { ...browser, password: 'another kettle 44' }))).toBe(
      'BW-SIGN-IN-LINK',
    )
    sessionOf(await signIn('anna', 'another kettle 43'))
  })

  test.each(['viewer', 'operator'] as const)('a person with the role %s cannot see or change people', async (role) => {
    const person = await addTestPerson(database(), 'anna', role)
    const other = await addTestPerson(database(), 'berta')
    const { secret } = sessionOf(await signIn('berta'))
    const otherSession = (await alive(secret))?.id
    for (const [method, path, body] of [
      ['GET', '/people'],
      ['POST', '/people', { name: 'mallory', role: 'admin' }],
      ['GET', '/people/anna'],
      ['PATCH', '/people/anna', { role: 'admin' }],
      ['DELETE', '/people/berta'],
      ['POST', '/people/berta/reset'],
      ['DELETE', '/people/berta/sessions'],
      ['GET', '/sessions'],
      ['GET', `/sessions?person=${other.id}`],
      ['DELETE', `/sessions/${otherSession}`],
    ] as const) {
      const reply = await askAs(principalOf(person), method, path, body)
      expect([method, path, reply.status, reply.body.code]).toEqual([method, path, 403, 'BW-ACCESS-ROLE'])
    }
    expect((await askAs(principalOf(person), 'DELETE', `/me/sessions/${otherSession}`)).status).toBe(404)
    expect(await alive(secret)).toBeDefined()
  })

  test('a person lists and revokes the own sessions, and an admin those of all', async () => {
    const [anna, bob] = [await addTestPerson(database(), 'anna'), await addTestPerson(database(), 'bob', 'viewer')]
    const own = await alive(sessionOf(await signIn('bob')).secret)
    const second = await alive(sessionOf(await signIn('bob')).secret)
    await signIn('anna')
    const mine = await askAs(principalOf(bob, own?.id), 'GET', '/me/sessions')
    expect(mine.body.items.map(({ id, current }: { id: string; current: boolean }) => [id, current])).toEqual([
      [second?.id, false],
      [own?.id, true],
    ])
    expect(mine.body.items[0]).toMatchObject({ method: 'password', address: browser.address, userAgent: 'Test/1.0' })
    expect((await askAs(principalOf(bob, own?.id), 'DELETE', `/me/sessions/${second?.id}`)).status).toBe(204)
    expect((await askAs(principalOf(anna), 'GET', '/sessions')).body.items).toHaveLength(2)
    expect((await askAs(principalOf(anna), 'GET', '/sessions?person=bob')).body.items).toHaveLength(1)
    expect((await askAs(principalOf(anna), 'DELETE', `/sessions/${own?.id}`)).status).toBe(204)
    expect((await api.ask('GET', '/api/v1/sessions?person=bob')).body.items).toEqual([])
    expect((await api.ask('DELETE', '/api/v1/people/anna/sessions')).status).toBe(204)
    expect((await api.ask('GET', '/api/v1/sessions')).body.items).toEqual([])
  })

  test.each([
    [
      'is revoked',
      ({ id }: Person, session: string) => api.ask('DELETE', `/api/v1/sessions/${session}`).then(() => id),
    ],
    [
      'belongs to a person who is disabled',
      ({ id }: Person) => api.ask('PATCH', `/api/v1/people/${id}`, { disabled: true }),
    ],
  ])('a stream of changes ends when its session %s', async (_what, end) => {
    const vera = await addTestPerson(database(), 'vera', 'viewer')
    const session = (await alive(sessionOf(await signIn('vera')).secret))?.id ?? ''
    const principal = principalOf(vera, session)
    const response = await outside.app.request('/api/v1/events?after=0-0', {}, { principal })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    await end(vera, session)
    let next = await reader.read()
    while (!next.done) next = await reader.read()
  })

  test('each client sees who it is and what it may do', async () => {
    const viewer = await addTestPerson(database(), 'vera', 'viewer')
    const me = (await askAs(principalOf(viewer), 'GET', '/me')).body
    expect(me).toMatchObject({ kind: 'person', id: viewer.id, actor: 'person vera', role: 'viewer' })
    expect(me.actions).toContain('own.edit')
    expect(me.actions).not.toContain('machines.edit')
    expect((await api.ask('GET', '/api/v1/me')).body).toMatchObject({ kind: 'operator', role: 'admin' })
    const token = await api.ask('POST', '/api/v1/tokens', { name: 'ci', role: 'viewer', scope: { rack: 'b4' } })
    const headers = { authorization: `Bearer ${token.body.token}` }
    expect((await outside.ask('GET', '/api/v1/me', undefined, headers)).body).toMatchObject({
      kind: 'token',
      actor: 'token ci',
      scope: { rack: 'b4' },
    })
    expect((await outside.ask('GET', '/api/v1/sessions', undefined, headers)).status).toBe(403)
  })

  test('a person changes the own password with the current one, and only the session that did it continues', async () => {
    const anna = await addTestPerson(database(), 'anna', 'viewer')
    const [own, other] = [sessionOf(await signIn('anna')), sessionOf(await signIn('anna'))]
    const me = principalOf(anna, (await alive(own.secret))?.id)
    const change = { current: goodPassword, new: 'another kettle 43' }
    const wrong = await askAs(me, 'PUT', '/me/password', { ...change, current: 'not the password' })
    expect([wrong.status, wrong.body.code]).toEqual([403, 'BW-SIGN-IN'])
    expect((await askAs(me, 'PUT', '/me/password', change)).status).toBe(204)
    expect([await alive(own.secret), await alive(other.secret)]).toEqual([expect.any(Object), undefined])
    sessionOf(await signIn('anna', 'another kettle 43'))
  })

  test('attempts to change the own password are limited', async () => {
    const anna = await addTestPerson(database(), 'anna', 'viewer')
    const signInOf = { ...api.deps.signIn, attempts: createTokenBuckets({ burst: 2, everyMs: 60_000 }) }
    const limited = await openApi(database(), { trusted: false, signIn: signInOf })
    const attempt = () => askAs(principalOf(anna), 'PUT', '/me/password', { current: 'x', new: 'y' }, limited)
    const [first, second, third] = [await attempt(), await attempt(), await attempt()]
    await limited.remove()
    expect([first.status, second.status, third.status]).toEqual([403, 403, 429])
    expect(third.headers.get('retry-after')).toBe('60')
  })

  test.each([
    { current: goodPassword, new: 'short' },
    { current: goodPassword, new: 'password1234' },
    { current: goodPassword, new: 123456789012345 },
    { current: ['hunter2hunter2'], new: goodPassword },
    { current: goodPassword, neu: 'hunter2hunter2' },
    'hunter2hunter2',
    ['hunter2hunter2'],
  ])('a refused password is not repeated in the answer or the log: %j', async (body) => {
    const anna = await addTestPerson(database(), 'anna', 'viewer')
    const before = outside.logged.length
    const reply = await askAs(principalOf(anna), 'PUT', '/me/password', body)
    expect(reply.status).toBe(422)
    const printed = reply.text + outside.logged.slice(before).join('')
    for (const secret of [goodPassword, 'short"', 'password1234', '123456789012345', 'hunter2'])
      expect(printed).not.toContain(secret)
  })

  test('a token, the operator and a person of a provider have no password to change', async () => {
    const change = { current: goodPassword, new: 'another kettle 43' }
    expect((await api.ask('PUT', '/api/v1/me/password', change)).status).toBe(409)
  })
})
