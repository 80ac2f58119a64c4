import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { finishOidc, maxPendingMs, startOidc } from '../../src/auth/oidc.ts'
import { createOidcClient, type OidcClient, type OidcSettings } from '../../src/auth/oidc-client.ts'
import { signInWithPassword } from '../../src/auth/sign-in.ts'
import { changePerson, findPerson, listPeople } from '../../src/inventory/access/people.ts'
import { findSession } from '../../src/inventory/access/sessions.ts'
import { listChanges } from '../../src/inventory/changes/changes.ts'
import { createSealer } from '../../src/lib/seal.ts'
import { eachDatabase } from '../helpers/database.ts'
import { startOidcProvider, type TestProvider } from '../helpers/oidc-provider.ts'
import { addTestPerson, browser, codeOf, goodPassword, sessionOf, signInDeps } from '../helpers/people.ts'

const redirectUri = 'https://boot.example.org/sign-in/oidc/callback'
const sealer = createSealer(Buffer.alloc(32, 1))
const limits = { idleHours: 12, maxDays: 7 }

eachDatabase('a sign-in with OpenID Connect', (database) => {
  let provider: TestProvider
  let client: OidcClient
  beforeAll(async () => {
    provider = await startOidcProvider([redirectUri], {})
  })
  afterAll(() => provider.stop())
  beforeEach(() => {
    provider.people.clear()
    provider.people.set('anna', { subject: 'sub-anna', name: 'Anna', groups: ['admins', 'staff'] })
    client = clientWith()
  })

  const clientWith = (change: Partial<OidcSettings> = {}) => {
    const { issuer, clientId, clientSecret } = provider
    const roles = { admins: 'admin', ops: 'operator', readers: 'viewer' } as const
    const claims = { scopes: 'openid profile email groups', nameClaim: 'preferred_username', groupClaim: 'groups' }
    const settings = { issuer, clientId, clientSecret, roles, label: 'Sign in', ...claims, ...change }
    return createOidcClient(settings, redirectUri, sealer)
  }
  const start = async (used = client) => {
    const started = await startOidc(used, signInDeps(database()), browser)
    if ('refusal' in started) throw new Error(started.refusal.code)
    return started
  }
  /** Signs in at the provider, and returns the answer with the cookie. */
  const answerFor = async (login = 'anna', used = client) => {
    const { url, cookieValue } = await start(used)
    return { callbackUrl: await provider.signIn(url, login), cookieValue }
  }
  const finish = (
    answer: { callbackUrl: string; cookieValue: string | undefined },
    used = client,
    deps = signInDeps(database()),
  ) => finishOidc(used, deps, { ...browser, ...answer })
  const signIn = async (login = 'anna', used = client) => finish(await answerFor(login, used), used)

  test('sends the browser to the provider with state, nonce and PKCE, and seals what it needs for the answer', async () => {
    const { url, cookieValue } = await start()
    const { origin, searchParams } = new URL(url)
    expect(origin).toBe(provider.issuer)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid profile email groups',
      code_challenge_method: 'S256',
    })
    for (const name of ['state', 'nonce', 'code_challenge']) expect(searchParams.get(name)).toMatch(/^[\w-]{43}$/)
    expect(cookieValue).not.toContain(searchParams.get('state'))
    expect(cookieValue.length).toBeLessThan(1000)
  })

  test('adds the person at the first sign-in with the role of the groups, and finds the person again', async () => {
    const first = sessionOf(await signIn())
    const found = await findSession(database(), first.secret, limits)
    expect(found?.person).toMatchObject({ name: 'anna', role: 'admin' })
    const person = await findPerson(database(), { name: 'anna' })
    expect(person).toMatchObject({ issuer: provider.issuer, oidcSubject: 'sub-anna', hasPassword: false })
    provider.people.set('anna', { subject: 'sub-anna', name: 'renamed', groups: ['admins'] })
    expect(sessionOf(await signIn()).person.id).toBe(person?.id)
    expect(await listPeople(database(), 10)).toHaveLength(1)
    const changes = await listChanges(database(), { subject: person?.id ?? '' }, 10)
    expect(changes.map(({ type, actor }) => [type, actor])).toEqual([
      ['session.created', 'person anna'],
      ['session.created', 'person anna'],
      ['person.created', 'bootwright'],
    ])
  })

  test('gives the role of the groups at each sign-in, and a change ends the sessions with the old role', async () => {
    const before = sessionOf(await signIn())
    provider.people.set('anna', { subject: 'sub-anna', name: 'anna', groups: ['readers', 'ops'] })
    const after = sessionOf(await signIn())
    expect(await findSession(database(), before.secret, limits)).toBeUndefined()
    expect((await findSession(database(), after.secret, limits))?.person.role).toBe('operator')
  })

  test('gives a person without a mapped group nothing, says which groups came, and ends earlier sessions', async () => {
    const before = sessionOf(await signIn())
    provider.people.set('anna', { subject: 'sub-anna', name: 'anna', groups: ['staff', 'toString'] })
    const refused = await signIn()
    expect(refused).toEqual({
      refusal: {
        code: 'BW-OIDC-GROUP',
        message: expect.stringContaining('the groups staff, toString in the claim groups'),
      },
    })
    expect(await findSession(database(), before.secret, limits)).toBeUndefined()
    provider.people.set('bob', { subject: 'sub-bob', name: 'bob', groups: [] })
    expect(await signIn('bob')).toMatchObject({ refusal: { message: expect.stringContaining('no groups') } })
    expect(await findPerson(database(), { name: 'bob' })).toBeUndefined()
  })

  test('never takes over the account of a local person, nor of another subject, with the same name or address', async () => {
    const local = await addTestPerson(database(), 'anna')
    const session = sessionOf(await signIn())
    expect(session.person).toEqual({ id: expect.not.stringContaining(local.id), name: 'anna-2' })
    provider.people.set('other', { subject: 'sub-other', name: 'ANNA', groups: ['readers'] })
    expect(sessionOf(await signIn('other')).person.name).toBe('anna-3')
    expect(await findPerson(database(), { id: local.id })).toMatchObject({ role: 'admin', issuer: null })
    const password = await signInWithPassword(signInDeps(database()), {
      ...browser,
      name: 'anna',
      password: goodPassword,
    })
    expect(sessionOf(password).person.id).toBe(local.id)
  })

  test('takes the e-mail address as the name if the claim is missing', async () => {
    provider.people.set('x', { subject: 'sub-x', name: 'ignored', groups: ['ops'], email: 'X@example.org' })
    const other = clientWith({ nameClaim: 'nickname' })
    expect(sessionOf(await signIn('x', other)).person.name).toBe('x@example.org')
    provider.people.set('y', { subject: 'sub-y', name: 'ignored', groups: ['ops'] })
    expect(sessionOf(await signIn('y', other)).person.name).toBe('sub-y')
  })

  test('refuses a disabled person', async () => {
    const { person } = sessionOf(await signIn())
    await changePerson(database(), person.id, { disabled: true }, {}, 'tester')
    expect(codeOf(await signIn())).toBe('BW-SIGN-IN-DISABLED')
  })

  test('refuses an answer with another state, or of another sign-in', async () => {
    const answer = await answerFor()
    const url = new URL(answer.callbackUrl)
    url.searchParams.set('state', 'x'.repeat(43))
    expect(codeOf(await finish({ ...answer, callbackUrl: url.href }))).toBe('BW-OIDC-ANSWER')
    const victim = await start()
    const attacker = await answerFor()
    expect(codeOf(await finish({ ...attacker, cookieValue: victim.cookieValue }))).toBe('BW-OIDC-ANSWER')
  })

  test.each([
    ['nonce', { nonce: 'y'.repeat(43) }],
    ['PKCE verifier', { verifier: 'y'.repeat(43) }],
  ])('refuses an answer with another %s', async (_what, change) => {
    const { callbackUrl, cookieValue } = await answerFor()
    const pending = JSON.parse(sealer.open(cookieValue, 'oidc sign-in')) as object
    const changed = sealer.seal(JSON.stringify({ ...pending, ...change }), 'oidc sign-in')
    expect(codeOf(await finish({ callbackUrl, cookieValue: changed }))).toBe('BW-OIDC-ANSWER')
  })

  test('accepts an answer once, also at another server', async () => {
    const answer = await answerFor()
    sessionOf(await finish(answer))
    expect(codeOf(await finish(answer))).toBe('BW-OIDC-ANSWER')
    expect(codeOf(await finish(answer, clientWith()))).toBe('BW-OIDC-ANSWER')
  })

  test('refuses an answer after 10 minutes, without the cookie, and with a cookie that was changed', async () => {
    const answer = await answerFor()
    const spy = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + maxPendingMs)
    const late = codeOf(await finish(answer))
    spy.mockRestore()
    expect(late).toBe('BW-OIDC-ANSWER')
    for (const cookieValue of [undefined, '', 'x', `${answer.cookieValue.slice(0, -2)}AA`, sealer.seal('{}', 'other')])
      expect(codeOf(await finish({ ...answer, cookieValue }))).toBe('BW-OIDC-ANSWER')
  })

  test('refuses an answer of another issuer', async () => {
    const answer = await answerFor()
    const url = new URL(answer.callbackUrl)
    expect(url.searchParams.get('iss')).toBe(provider.issuer)
    url.searchParams.set('iss', 'https://evil.example.org')
    expect(codeOf(await finish({ ...answer, callbackUrl: url.href }))).toBe('BW-OIDC-ANSWER')
    const other = await answerFor()
    const without = new URL(other.callbackUrl)
    without.searchParams.delete('iss')
    expect(codeOf(await finish({ ...other, callbackUrl: without.href }))).toBe('BW-OIDC-ANSWER')
  })

  test('refuses a provider that calls itself another issuer', async () => {
    const wrong = clientWith({ issuer: provider.issuer.replace('127.0.0.1', 'localhost') })
    const deps = signInDeps(database())
    expect(await startOidc(wrong, deps, browser)).toMatchObject({ refusal: { code: 'BW-OIDC-AWAY' } })
    expect(deps.logged.join('')).toContain('does not match the expected issuer')
  })

  test('refuses a sign-in that the provider refused, and says so in the log', async () => {
    const deps = signInDeps(database())
    expect(codeOf(await finish(await answerFor('nobody'), client, deps))).toBe('BW-OIDC-ANSWER')
    expect(deps.logged.join('')).toContain('access_denied')
  })

  test('refuses with a wrong client secret, and names no secret in the log', async () => {
    const wrong = clientWith({ clientSecret: 'wrong-secret-of-the-client' })
    const deps = signInDeps(database())
    const answer = await answerFor('anna', wrong)
    expect(codeOf(await finish(answer, wrong, deps))).toBe('BW-OIDC-ANSWER')
    expect(deps.logged.join('')).toContain('invalid_client')
    expect(deps.logged.join('')).not.toMatch(
      new RegExp(`wrong-secret|${new URL(answer.callbackUrl).searchParams.get('code')}`),
    )
  })

  test('says that the provider is away, and works again once it answers', async () => {
    const deps = signInDeps(database())
    await provider.pause()
    const started = await startOidc(client, deps, browser)
    await provider.resume()
    expect(started).toMatchObject({ refusal: { code: 'BW-OIDC-AWAY', retryAfterSeconds: 30 } })
    expect(deps.logged.join('')).toContain('ECONNREFUSED')
    const answer = await answerFor()
    await provider.pause()
    const lost = codeOf(await finish(answer))
    await provider.resume()
    expect(lost).toBe('BW-OIDC-AWAY')
    sessionOf(await signIn())
  })

  test('two first sign-ins at the same time add one person', async () => {
    const answers = [await answerFor(), await answerFor()]
    const results = await Promise.all(answers.map((answer) => finish(answer)))
    expect(new Set(results.map((result) => sessionOf(result).person.id)).size).toBe(1)
    expect(await listPeople(database(), 10)).toHaveLength(1)
  })
})
