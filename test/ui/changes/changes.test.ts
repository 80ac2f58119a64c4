import { pino } from 'pino'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { recordChanges } from '../../../src/inventory/changes/changes.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { startWebhookSender } from '../../../src/jobs/webhook-sender.ts'
import { createSealer } from '../../../src/lib/seal.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { startWebhookReceiver, type WebhookReceiver } from '../../helpers/webhook-receiver.ts'

const hostile = '"><script>alert(1)</script>\'; drop'

describe.runIf(hasChromium())('the pages of changes and webhooks', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser
  let receiver: WebhookReceiver
  let status = 204
  beforeAll(async () => {
    browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    receiver = await startWebhookReceiver(() => status)
  })
  afterAll(async () => {
    receiver?.stop()
    await browser?.close()
    await server?.close()
    await opened?.close()
  })

  test('shows who changed what, filters by a click, and keeps the filter in the URL', async () => {
    const mac = '52:54:00:00:00:01'
    await saveMachine(opened.db, { mac }, { hostname: 'web-1', labels: { rack: 'b4' } }, {}, 'token ci')
    await saveMachine(opened.db, { mac }, { labels: { rack: 'c9', motto: hostile } }, {}, 'person anna')
    const { page, faults, close } = await openAs(browser, server, 'viewer')
    await page.goto('/changes')
    await expectAccessible(page)
    await expectFits(page)
    const row = page.locator('tbody tr', { hasText: 'machine.changed' })
    expect((await row.locator('.differences').textContent())?.replaceAll(/\s+/g, ' ')).toContain('labels.rack b4 → c9')
    expect(await row.textContent()).toContain(hostile)
    await row.getByRole('link', { name: 'person anna' }).click()
    await expect.poll(() => new URL(page.url()).searchParams.get('actor')).toBe('person anna')
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
    await page.getByRole('link', { name: 'Only changes of web-1' }).click()
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
    await page.getByLabel('By').fill('')
    await page.getByLabel('What').selectOption('machine')
    await page.getByRole('button', { name: 'Filter' }).click()
    await expect.poll(() => page.locator('tbody tr').count()).toBe(2)
    await page.getByLabel('From (UTC)').fill('2999-01-01T00:00')
    await page.getByRole('button', { name: 'Filter' }).click()
    await expect.poll(() => page.locator('main').textContent()).toContain('No change matches.')
    expect(faults).toEqual([])
    await close()
  })

  test('leads through a long log page by page, without JavaScript', async () => {
    const many = Array.from({ length: 120 }, (_, index) => ({
      ...{ actor: 'token loader', type: 'group.changed' as const, subject: `g${index}` },
      after: { text: 'x' },
    }))
    await opened.db.transaction((tx) => recordChanges(tx, many))
    const { page, close } = await openAs(browser, server, 'viewer', { javaScriptEnabled: false })
    await page.goto('/changes?actor=token+loader')
    const seen: string[] = []
    for (;;) {
      seen.push(...(await page.locator('tbody td:nth-child(4) a:first-child').allTextContents()))
      const next = page.getByRole('link', { name: 'Earlier changes' })
      if ((await next.count()) === 0) break
      const href = await next.getAttribute('href')
      await next.click()
      await page.waitForURL(`**${href}`)
    }
    expect(seen).toEqual(many.map(({ subject }) => subject).toReversed())
    await close()
  })

  test('says what is wrong with a filter of a URL', async () => {
    const { status, html } = await server.visit('viewer', '/changes?type=no-such')
    expect([status, html.includes('The filter is not valid.')]).toEqual([422, true])
  })

  test('creates a webhook, tests it, redelivers what was not delivered, and deletes it', async () => {
    const { page, faults, close } = await openAs(browser, server, 'admin')
    await page.goto('/setup/webhooks')
    await expectAccessible(page)
    await page.getByLabel('URL').fill(receiver.url)
    await page.getByLabel('group', { exact: true }).check()
    await page.getByLabel('Single types').fill('boot.failed')
    await page.getByRole('button', { name: 'Create the webhook' }).click()
    await page.getByText('shown only now').waitFor()
    expect(await page.locator('.copy code').first().textContent()).toMatch(/^whsec_/)
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Send a test message' }).click()
    await page.getByRole('status').filter({ hasText: 'The receiver answered 204.' }).first().waitFor()
    status = 500
    await page.getByRole('button', { name: 'Send a test message' }).click()
    await page
      .getByRole('alert')
      .filter({ hasText: 'The receiver answered 500; expected 200 to 299.' })
      .first()
      .waitFor()

    const sender = startWebhookSender(opened.db, createSealer(Buffer.alloc(32, 1)), pino({ level: 'silent' }), {
      ...{ everyMs: 20, timeoutMs: 10_000, retriesMs: [20] },
    })
    const change = { actor: 'tester', type: 'group.changed' as const, subject: 'racks', after: { text: hostile } }
    await opened.db.transaction((tx) => recordChanges(tx, [change]))
    const dead = async () => {
      await page.reload()
      return page.locator('#dead tbody tr').count()
    }
    await page.goto('/setup/webhooks')
    await page.locator('tbody a').first().click()
    await expect.poll(dead, { timeout: 15_000 }).toBe(1)
    await expectAccessible(page)
    await expectFits(page)
    status = 204
    await page.getByRole('button', { name: 'Redeliver', exact: true }).click()
    await page.getByRole('status').filter({ hasText: 'The message is queued again.' }).first().waitFor()
    await expect.poll(dead, { timeout: 15_000 }).toBe(0)
    await sender.stop()

    await page.getByRole('button', { name: 'Switch off' }).click()
    await page.getByRole('status').filter({ hasText: 'The webhook is off.' }).first().waitFor()
    await page.locator('summary', { hasText: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete the webhook' }).click()
    await expect.poll(() => page.locator('main table').count()).toBe(0)
    expect(faults).toEqual([])
    await close()
  })

  test('refuses a wrong URL with the form as it was, and is readable in the dark', async () => {
    const { page, close } = await openAs(browser, server, 'admin', { colorScheme: 'dark' })
    await page.goto('/setup/webhooks')
    await page.getByLabel('URL').fill('ftp://example.org/')
    await page.getByLabel('deployment', { exact: true }).check()
    await page.getByRole('button', { name: 'Create the webhook' }).click()
    await page.getByRole('alert').filter({ hasText: 'url' }).first().waitFor()
    expect(await page.getByLabel('deployment', { exact: true }).isChecked()).toBe(true)
    await expectAccessible(page)
    await page.goto('/changes')
    await expectAccessible(page)
    await close()
  })

  test('needs at most 60 kB for a first view', async () => {
    for (const path of ['/changes', '/setup/webhooks'])
      expect(await firstViewBytes(server, 'admin', path)).toBeLessThan(60_000)
  })
})
