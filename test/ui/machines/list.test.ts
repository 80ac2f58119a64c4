import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operator } from '../../../src/auth/principal.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type ApiClient, createApiClient } from '../../../src/ui/http/client.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { recordReport } from '../../helpers/reports.ts'

const hostile = `"><script>alert(1)</script>`
const ip = '192.0.2.7'

describe('the list of machines', () => {
  let opened: OpenDb
  let server: PageServer
  let api: ApiClient
  let browser: Browser
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    api = createApiClient(server.deps.fetch, operator)
  })
  afterAll(async () => {
    await browser?.close()
    await server.close()
    await opened.close()
  })
  const macOf = (last: string) => `52:54:00:00:0a:${last}`
  const enter = (last: string, body: object) => api.ask<{ id: string }>('PUT', `/machines/${macOf(last)}`, body)
  const get = async (path: string, role: 'viewer' | 'operator' = 'operator') => {
    const { status, html } = await server.visit(role, path)
    return { status, html }
  }
  /** The names of the machines in the table. */
  const namesIn = (html: string) =>
    [...html.matchAll(/<a href="\/machines\/[0-9a-f-]{36}"><bdi>([^<]*)</g)].map(([, name]) => name)

  test('teaches what belongs there while it is empty', async () => {
    const { status, html } = await get('/machines')
    expect(status).toBe(200)
    expect(html).toContain('No machine yet')
    expect(html).toContain('href="/setup"')
  })

  describe('with machines', () => {
    beforeAll(async () => {
      await saveImage(opened.db, 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
      await enter('01', { hostname: 'web1', labels: { rack: 'b4' }, assignment: { image: 'debian' } })
      await enter('02', { hostname: 'web2', labels: { rack: 'b5' }, denied: true })
      await enter('03', {
        product: `'; drop table machines; --`,
        serial: hostile,
        labels: { note: hostile, long: 'x'.repeat(253) },
      })
      for (const report of ['booted', 'failed'] as const) {
        const { token } = await openBootFor(opened.db, { mac: macOf('01') as never, platform: 'efi' }, ip)
        await recordReport(opened.db, token, report, ip, 'no disk')
      }
    })

    test('has the state of each, what is assigned, and the last boots in words', async () => {
      const { html } = await get('/machines')
      expect(namesIn(html)).toEqual(['web1', 'web2', macOf('03')])
      expect(html).toContain('<span class="badge bad">failed</span>')
      expect(html).toContain('<span class="badge bad">denied</span>')
      expect(html).toContain('<span class="badge idle">never seen</span>')
      expect(html).toContain('aria-label="last 2 boots: 1 failed, 1 booted; newest: failed"')
      expect(html).toMatch(/<title>failed debian v1, \d+ m?s ago, [^<]*: no disk<\/title>/)
    })

    test.each([
      ['q=WEB', ['web1', 'web2']],
      ['state=denied', ['web2']],
      ['image=debian', ['web1']],
      ['label=rack%3Db5', ['web2']],
      ['label=rack&label=rack%3Db4&q=&image=', ['web1']],
      ['sort=hostname', ['web1', 'web2', macOf('03')]],
    ])('shows the machines of %s, and the same with curl', async (query, names) => {
      const { html } = await get(`/machines?${query}`)
      expect(namesIn(html)).toEqual(names)
      expect(html).toMatch(/curl [^<]*\/api\/v1\/machines\?limit=50/)
    })

    test('hands the filter on: to the next page, to the CSV file and to the actions', async () => {
      const { html } = await get('/machines?q=web&label=rack')
      expect(html).toContain('name="filter" value="q=web&amp;label=rack"')
      expect(html).toContain('href="/api/v1/machines/export?format=csv&amp;q=web&amp;label=rack"')
      const csv = await server.visit('viewer', '/api/v1/machines/export?format=csv&q=web&label=rack%3Db4')
      expect(csv.html.split('\n')).toHaveLength(3)
    })

    test('says what is wrong with a filter, and keeps the form', async () => {
      const { status, html } = await get('/machines?label=%2C&q=web')
      expect(status).toBe(422)
      expect(html).toContain('value="web"')
      expect(html).toContain('class="faults"')
    })

    test('shows any text as text, and does not break', async () => {
      const { html } = await get('/machines')
      expect(html).not.toContain('<script>alert')
      expect(html).toContain('&#39;; drop table machines; --')
    })

    test('shows a viewer no actions and no checkboxes', async () => {
      const { html } = await get('/machines', 'viewer')
      expect(namesIn(html)).toHaveLength(3)
      expect(html).not.toMatch(/type="checkbox"|name="action"|Enter a machine/)
    })

    describe.runIf(hasChromium())('in a browser', () => {
      const widthOf = 'document.documentElement.scrollWidth - innerWidth'

      test.each([360, 768, 1440])('does not scroll sideways at %i pixels, and is accessible', async (width) => {
        const colorScheme = width === 768 ? 'dark' : 'light'
        const viewport = { width, height: 800 }
        const { page, faults, close } = await openAs(browser, server, 'operator', { viewport, colorScheme })
        await page.goto('/machines')
        await expectAccessible(page)
        expect(await page.evaluate(widthOf)).toBeLessThanOrEqual(0)
        expect(faults).toEqual([])
        await close()
      })

      test('searches as typed, keeps the focus, and has a short URL to send to a colleague', async () => {
        const { page, faults, close } = await openAs(browser, server, 'operator')
        await page.goto('/machines')
        await page.keyboard.press('/')
        await page.keyboard.type('web2')
        await page.waitForURL('**/machines?q=web2')
        await expect.poll(() => page.locator('#rows tr').count()).toBe(1)
        expect(await page.locator('#csv').getAttribute('href')).toContain('q=web2')
        expect(await page.locator('#commands').textContent()).toContain('machine list --match web2')
        expect(await page.locator('#found').textContent()).toBe('1 machine shown.')
        await page.keyboard.type('x')
        await expect.poll(() => page.locator('#results').textContent()).toContain('No machine matches')
        await expect.poll(() => page.locator('input[name=q]:focus').count()).toBe(1)
        expect(faults).toEqual([])
        await close()
      })

      test('offers the labels in use', async () => {
        const { page, faults, close } = await openAs(browser, server, 'operator')
        await page.goto('/machines')
        await page.getByLabel('Label', { exact: true }).focus()
        await expect.poll(() => page.locator('#labels option[value="rack=b4"]').count()).toBe(1)
        expect(faults).toEqual([])
        await close()
      })

      test('searches without JavaScript', async () => {
        const { page, close } = await openAs(browser, server, 'operator', { javaScriptEnabled: false })
        await page.goto('/machines')
        await page.getByLabel('Search').fill('web1')
        await page.keyboard.press('Enter')
        await page.waitForURL('**/machines?q=web1*')
        await expect.poll(() => page.locator('#rows tr').count()).toBe(1)
        await close()
      })

      test('adds the next machines below, with the selection kept, and fits into 60 kB', async () => {
        for (let n = 0; n < 60; n++) await enter(`${n + 40}`, { hostname: `node${n}`, labels: { rack: `c${n % 4}` } })
        const { html } = await get('/machines?q=node')
        expect(gzipSync(html).length).toBeLessThan(20_000)
        expect(namesIn(html)).toHaveLength(50)
        const { page, faults, close } = await openAs(browser, server, 'operator')
        await page.goto('/machines?q=node')
        await page.getByLabel('Select node3', { exact: true }).check()
        await page.getByRole('button', { name: 'More' }).click()
        await expect.poll(() => page.locator('#rows input:not(:disabled)').count()).toBe(60)
        expect(await page.getByLabel('Select node3', { exact: true }).isChecked()).toBe(true)
        await expect.poll(() => page.locator('tr.more').count()).toBe(0)
        expect(faults).toEqual([])
        await close()
      })
    })
  })
})
