import { sql } from 'drizzle-orm'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { recordReport } from '../../helpers/reports.ts'

describe('the pages about boots', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser | undefined
  let failed: { id: string; token: string } | undefined
  let open: { id: string; token: string } | undefined
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await opened?.close()
  })
  const boot = (number: number) =>
    openBootFor(
      opened.db,
      { mac: `52:54:00:00:00:0${number}`, platform: 'efi', buildarch: 'x86_64', product: 'A long product '.repeat(9) },
      `192.0.2.${number}`,
    )

  const openOnce = async () => {
    if (failed !== undefined) return
    ;[failed, open] = [await boot(1), await boot(2)]
    await recordReport(opened.db, failed.token, 'failed', '192.0.2.1', 'the disk is too small: '.repeat(20))
  }
  const visit = (options: BrowserContextOptions = {}) => openAs(browser as Browser, server, 'viewer', options)

  test('lead from an empty list to the set-up', async () => {
    const { html } = await server.visit('viewer', '/boots')
    expect(html).toContain('No machine has booted from this server yet.')
    expect(html).toContain('href="/setup"')
  })

  test.each([
    ['outcome=lost', 'outcome: expected'],
    ['since=yesterday', 'since: expected'],
    ['image=%22%3E%3Cb%3E', 'image: expected'],
    ['before=1', 'before: expected'],
  ])('show the filter again with a sentence for %s', async (query, sentence) => {
    const { status, html } = await server.visit('viewer', `/boots?${query}`)
    expect([status, html.includes('The filter is not valid.'), html.includes(sentence)]).toEqual([422, true, true])
    expect(html).toContain('<form method="get" action="/boots"')
    expect(html).not.toContain('<b>')
  })

  test('weigh at most 60 kB', async () => {
    for (const path of ['/boots', `/boots/${(await boot(9)).id}`])
      expect(await firstViewBytes(server, 'viewer', path), path).toBeLessThanOrEqual(60_000)
  })

  describe.runIf(hasChromium())('in a browser', () => {
    beforeEach(openOnce)

    test.each(['light', 'dark'] as const)('are accessible and fit every screen, in %s', async (colorScheme) => {
      const { page, faults, close } = await visit({ colorScheme })
      for (const path of ['/boots', '/boots?outcome=lost', `/boots/${failed?.id}`, `/boots/${open?.id}`]) {
        await page.goto(path)
        await expectAccessible(page)
        await expectFits(page)
      }
      expect(faults).toEqual([])
      await close()
    })

    test('find a failed boot and show its message, its events and its script, without JavaScript', async () => {
      const { page, close } = await visit({ javaScriptEnabled: false })
      await page.goto('/boots')
      await page.getByLabel('Outcome').selectOption('failed')
      await page.getByRole('button', { name: 'Filter' }).click()
      await page.waitForURL('**/boots?outcome=failed**')
      const rows = page.getByRole('region', { name: 'Boots' }).locator('tbody tr')
      expect(await rows.count()).toBe(1)
      await rows.first().getByRole('link').first().click()
      await page.waitForURL(`**/boots/${failed?.id}`)
      expect(await page.getByText('the disk is too small').first().isVisible()).toBe(true)
      expect(await page.getByRole('region', { name: 'Events in order' }).locator('tbody tr').count()).toBeGreaterThan(1)
      await page.getByText('The script as it was served').click()
      await page.getByText('#!ipxe').waitFor()
      await close()
    })

    test('show the end of a boot that is open in the browser', async () => {
      const { page, faults, close } = await visit()
      await page.goto(`/boots/${open?.id}`)
      await page.locator('.head').getByText('booting').waitFor()
      await opened.db.execute(sql`update boots set outcome = 'booted', ended_at = now() where id = ${open?.id}`)
      await page.locator('.head').getByText('booted', { exact: true }).waitFor()
      expect(faults).toEqual([])
      await close()
    })
  })
})
