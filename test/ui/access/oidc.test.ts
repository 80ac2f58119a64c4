import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createOidcClient } from '../../../src/auth/oidc-client.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { createSealer } from '../../../src/lib/seal.ts'
import { expectAccessible, hasChromium, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { startOidcProvider, type TestProvider } from '../../helpers/oidc-provider.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { addTestPerson, goodPassword } from '../../helpers/people.ts'

describe('signing in at an OpenID provider', () => {
  let opened: OpenDb
  let server: PageServer
  let provider: TestProvider
  let browser: Browser
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db, { cookies: { plainHttp: false } })
    provider = await startOidcProvider([`${server.url}/sign-in/oidc/callback`], {})
    await addTestPerson(opened.db, 'mira')
  })
  afterAll(async () => {
    await browser?.close()
    await provider?.stop()
    await server?.close()
    await opened?.close()
  })
  beforeEach(() => {
    provider.people.clear()
    provider.people.set('anna', { subject: 'sub-anna', name: 'Anna', groups: ['ops'] })
    provider.people.set('bob', { subject: 'sub-bob', name: 'bob', groups: ['kitchen'] })
    const { issuer, clientId, clientSecret } = provider
    const claims = { scopes: 'openid profile email groups', nameClaim: 'preferred_username', groupClaim: 'groups' }
    server.deps.oidc = createOidcClient(
      { issuer, clientId, clientSecret, roles: { ops: 'operator' }, label: 'Sign in with Example & Co', ...claims },
      `${server.url}/sign-in/oidc/callback`,
      createSealer(Buffer.alloc(32, 1)),
    )
  })

  const start = (next: string) =>
    fetch(`${server.url}/sign-in/oidc?next=${encodeURIComponent(next)}`, { redirect: 'manual' })
  const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? ''

  test('keeps the sign-in in a cookie that scripts and other hosts cannot read, for ten minutes', async () => {
    const response = await start('/machines')
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toMatch(new RegExp(`^${provider.issuer}/`))
    expect(response.headers.get('set-cookie')).toMatch(
      /^__Host-bootwright-oidc=[^;]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
  })

  test('leads to the page that the person asked for, never elsewhere, and uses an answer once', async () => {
    for (const [next, expected] of [
      ['/machines?q=web', '/machines?q=web'],
      ['//evil.example/', '/'],
      [`/${'x'.repeat(2000)}`, '/'],
    ] as const) {
      const started = await start(next)
      const callback = await provider.signIn(started.headers.get('location') ?? '', 'anna')
      const answer = (cookie: string) => fetch(callback, { redirect: 'manual', headers: { cookie } })
      const first = await answer(cookieOf(started))
      expect([first.status, first.headers.get('location')]).toEqual([303, expected])
      expect(first.headers.getSetCookie().join()).toMatch(/__Host-bootwright-oidc=;.*__Host-bootwright-session=/)
      const again = await answer(cookieOf(started))
      expect([again.status, (await again.text()).includes('BW-OIDC-ANSWER')]).toEqual([422, true])
    }
  })

  test('refuses an answer without the cookie of this browser', async () => {
    const started = await start('/')
    const callback = await provider.signIn(started.headers.get('location') ?? '', 'anna')
    const response = await fetch(callback, { redirect: 'manual' })
    expect([response.status, response.headers.get('set-cookie') ?? '']).toEqual([
      422,
      expect.not.stringContaining('session='),
    ])
  })

  test('has no such pages without a provider', async () => {
    server.deps.oidc = undefined
    expect((await start('/')).status).toBe(404)
    expect((await server.visit(undefined, '/sign-in/oidc/callback')).status).toBe(404)
    expect((await server.visit(undefined, '/sign-in')).html).not.toContain('/sign-in/oidc')
  })

  describe.runIf(hasChromium())('in a browser', () => {
    /** A page of a browser without cookies, for this server and the provider. */
    const openPage = async () => (await browser.newContext({ baseURL: server.url })).newPage()
    const signInAt = async (login: string, next = '/machines') => {
      const page = await openPage()
      await page.goto(next)
      await page.getByRole('button', { name: 'Sign in with Example & Co' }).click()
      await page.getByLabel('Login').fill(login)
      await page.getByRole('button', { name: 'Sign in' }).click()
      return page
    }

    test('signs in with the role of the groups, and /me offers no password', async () => {
      const page = await signInAt('anna')
      await page.waitForURL(`${server.url}/machines`)
      expect(await page.locator('.person').textContent()).toMatch(/anna\s*operator/)
      await page.goto('/me')
      expect(await page.locator('main').textContent()).toContain('You sign in with OpenID Connect')
      await expectAccessible(page)
      await page.context().close()
    })

    test('tells a person without a mapped group which groups came', async () => {
      const page = await signInAt('bob')
      await page.getByRole('alert').waitFor()
      await page.getByRole('alert').filter({ hasText: 'the groups kitchen in the claim groups' }).first().waitFor()
      await expectAccessible(page)
      await page.context().close()
    })

    test('says so if the provider does not answer, and the local sign-in still works', async () => {
      const page = await openPage()
      await page.goto('/machines')
      await provider.pause()
      try {
        await page.getByRole('button', { name: 'Sign in with Example & Co' }).click()
        await page.getByRole('alert').waitFor()
        await page.getByRole('alert').filter({ hasText: 'the OpenID provider does not answer' }).first().waitFor()
        await page.getByLabel('Name').fill('mira')
        await page.getByLabel('Password').fill(goodPassword)
        await page.getByRole('button', { name: 'Sign in', exact: true }).click()
        await page.waitForURL(`${server.url}/machines`)
      } finally {
        await provider.resume()
      }
      await page.context().close()
    })
  })
})
