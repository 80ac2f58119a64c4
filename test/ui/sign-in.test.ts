import http from 'node:http'
import { connect } from 'node:net'
import { text as readText } from 'node:stream/consumers'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../src/db/open.ts'
import { listSessions } from '../../src/inventory/access/sessions.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../helpers/browser.ts'
import { openTestDatabase } from '../helpers/database.ts'
import { openPageServer, type PageServer } from '../helpers/page-server.ts'
import { addTestPerson, goodPassword } from '../helpers/people.ts'

describe('signing in', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db, { cookies: { plainHttp: false } })
    await addTestPerson(opened.db, 'mira')
  })
  afterAll(async () => {
    await browser?.close()
    await server.close()
    await opened.close()
  })
  const form = (fields: Record<string, string>, headers: Record<string, string>) =>
    fetch(`${server.url}/sign-in`, { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields), headers })
  /** A request with any header, also those that `fetch` keeps to itself. */
  const ask = (method: string, path: string, headers: Record<string, string>, body?: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const request = http.request(`${server.url}${path}`, { method, headers, agent: false }, async (response) =>
        resolve({ status: response.statusCode ?? 0, text: await readText(response) }),
      )
      request.on('error', reject).end(body)
    })
  const own = () => ({ origin: server.url, 'sec-fetch-site': 'same-origin' })

  test('leads a browser without a session to the form, and then to the page that it asked for', async () => {
    const asked = await server.visit(undefined, '/machines?q=web')
    expect([asked.status, asked.headers.get('location')]).toEqual([303, '/sign-in?next=%2Fmachines%3Fq%3Dweb'])
    const fields = { name: 'Mira', password: goodPassword, next: '/machines?q=web' }
    const reply = await form(fields, own())
    expect([reply.status, reply.headers.get('location')]).toEqual([303, '/machines?q=web'])
    expect(reply.headers.get('set-cookie')).toMatch(
      /^__Host-bootwright-session=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
    )
  })

  test.each(['//evil.example/', 'https://evil.example/', '/\\evil.example', 'javascript:alert(1)'])(
    'never leads elsewhere: next=%s',
    async (next) => {
      const reply = await form({ name: 'mira', password: goodPassword, next }, own())
      expect(reply.headers.get('location')).toBe('/')
    },
  )

  test.each([
    ['another origin', { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['another port', { origin: 'http://127.0.0.1:1' }],
    ['a site that forges one of both headers', { origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' }],
    ['a client that sends neither header', {}],
  ])('refuses a form of %s', async (_, headers) => {
    const reply = await form({ name: 'mira', password: goodPassword }, headers)
    expect([reply.status, reply.headers.get('set-cookie')]).toEqual([403, null])
    expect(await reply.text()).toContain('BW-ACCESS-ORIGIN')
  })

  test('shows the same refusal for a wrong name and a wrong password, and keeps the name', async () => {
    const refusals = await Promise.all(
      [
        ['mira', 'wrong password!'],
        ['nobody', goodPassword],
      ].map(async ([name = '', password = '']) => {
        const reply = await form({ name, password }, own())
        const html = await reply.text()
        expect(html).toContain(`value="${name}"`)
        return [reply.status, html.replaceAll(name, 'NAME')]
      }),
    )
    expect(refusals[0]).toEqual(refusals[1])
    expect(refusals[0]?.[0]).toBe(422)
  })

  test.each([
    ['192.0.2.1:8081', true],
    ['localhost:8081', false],
    ['[::1]:8081', false],
  ])('tells a browser at %s that it would lose its session: %s', async (host, isUnencrypted) => {
    const { status, text } = await ask('GET', '/sign-in', { host })
    expect([status, text.includes('ssh -L 8081:127.0.0.1:8081 192.0.2.1')]).toEqual([200, isUnencrypted])
  })

  test('takes the address of a browser behind a proxy of the settings, and from nobody else', async () => {
    const signIn = async (isTrustedProxy: (address: string) => boolean) => {
      const behind = await openPageServer(opened.db, { ui: { isTrustedProxy } })
      const headers = { origin: behind.url, 'x-forwarded-for': '198.51.100.9' }
      const body = new URLSearchParams({ name: 'mira', password: goodPassword })
      await fetch(`${behind.url}/sign-in`, { method: 'POST', redirect: 'manual', body, headers })
      await behind.close()
      const [session] = await listSessions(opened.db, { idleHours: 12, maxDays: 7 })
      return session?.address
    }
    expect(await signIn((address) => address === '127.0.0.1')).toBe('198.51.100.9')
    expect(await signIn(() => false)).toBe('127.0.0.1')
  })

  test.each(['evil.example', 'evil.example:8081', '127.0.0.1.evil.example', 'localhost.evil.example'])(
    'answers to no name that is not its own: %s',
    async (host) => {
      for (const path of ['/sign-in', '/api/v1/machines', '/healthz'])
        expect([path, (await ask('GET', path, { host })).status]).toEqual([path, 421])
    },
  )

  test('answers to no other name in the request line either', async () => {
    for (const path of ['http://evil.example/sign-in', 'http://evil.example/api/v1/machines'])
      expect([path, await statusOfLine(`GET ${path} HTTP/1.1`)]).toEqual([path, 421])
    expect(await statusOfLine(`GET ${server.url}/sign-in HTTP/1.1`)).toBe(200)
  })
  const statusOfLine = async (line: string) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    socket.end(`${line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`)
    return Number((await readText(socket)).split(' ')[1])
  }

  test('leads back from an error to this server only', async () => {
    const back = async (referer: string) => {
      const { text } = await ask('POST', '/sign-in', { referer })
      return /<a href="([^"]*)">Back/.exec(text)?.[1]
    }
    expect(await back(`${server.url}/machines`)).toBe('/machines')
    for (const referer of ['https://evil.example//evil.example/', 'https://evil.example/%5C', 'nothing'])
      expect([referer, (await back(referer))?.startsWith('//')]).toEqual([referer, false])
  })

  test('lets scripts of its own pages use the API with the session, and those of other sites only read nothing', async () => {
    const { name, value } = await server.signIn('operator')
    const cookie = `${name}=${value}`
    const put = (headers: Record<string, string>) =>
      ask('PUT', '/api/v1/machines/52:54:00:00:00:01', { cookie, 'content-type': 'application/json', ...headers }, '{}')
    expect((await put(own())).status).toBe(201)
    for (const headers of [{}, { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' }]) {
      const { status, text } = await put(headers as Record<string, string>)
      expect([status, JSON.parse(text).code]).toEqual([403, 'BW-ACCESS-ORIGIN'])
    }
    const without = await ask('PUT', '/api/v1/policy', { cookie: 'other=1', 'content-type': 'application/json' }, '{}')
    expect(without.status).toBe(401)
  })

  describe.runIf(hasChromium())('in a browser', () => {
    test('signs in over loopback with the __Host- cookie, by the keyboard alone, and signs out', async () => {
      const { page, faults, close } = await openAs(browser, server, undefined)
      await page.goto('/machines')
      await expectAccessible(page)
      await page.keyboard.type('mira')
      await page.keyboard.press('Tab')
      await page.keyboard.type(goodPassword)
      await page.keyboard.press('Enter')
      await page.waitForURL('**/machines')
      expect(await page.locator('h1').textContent()).toBe('Machines')
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL('**/sign-in')
      await page.getByRole('status').filter({ hasText: 'Signed out.' }).first().waitFor()
      await page.goto('/machines')
      expect(page.url()).toContain('/sign-in')
      // On a shared computer, Back does not show what the last person saw.
      await page.goBack()
      await page.goBack()
      expect(await page.locator('h1').textContent()).toBe('Sign in')
      expect(await page.locator('body').textContent()).not.toContain('mira')
      expect(faults).toEqual([])
      await close()
    })
  })

  test('lets no browser keep the pages of a person', async () => {
    for (const path of ['/machines', '/no-such-page', '/setup/people'])
      expect([path, (await server.visit('viewer', path)).headers.get('cache-control')]).toEqual([path, 'no-store'])
  })
})
