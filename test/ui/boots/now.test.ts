import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNowBoard } from '../../../src/api/boots/now-board.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import type { RunningDownload } from '../../../src/model/timeline/downloads.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { quietSources } from '../../helpers/now.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { recordReport } from '../../helpers/reports.ts'

describe.runIf(hasChromium())('the page of this moment', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser
  let downloads: RunningDownload[] = []
  beforeAll(async () => {
    browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    const live = { ...quietSources(), downloads: () => downloads }
    const { doctor } = server.api.deps
    server.api.deps.now = createNowBoard({ db: opened.db, doctor, live, log: pino({ level: 'silent' }) })
  })
  afterAll(async () => {
    await browser?.close()
    server.api.deps.now.stop()
    await server.close()
    await opened.close()
  })
  const macOf = (number: number) => `52:54:00:00:00:${String(number).padStart(2, '0')}`
  const boot = (number: number) =>
    openBootFor(opened.db, { mac: macOf(number), platform: 'efi', buildarch: 'x86_64' }, `192.0.2.${number}`)
  const report = (token: string, number: number) =>
    recordReport(opened.db, token, 'booted', `192.0.2.${number}`, undefined)

  test('leads from a new server to the set-up', async () => {
    const { page, faults, close } = await openAs(browser, server, 'viewer')
    await page.goto('/')
    await page.getByText('live', { exact: true }).waitFor()
    await expectAccessible(page)
    expect(await page.getByText('Set up the first machine').getAttribute('href')).toBe('/setup')
    expect(faults).toEqual([])
    await close()
  })

  test('shows a machine appear, load and boot without a reload, and keeps the focus', async () => {
    const { page, faults, close } = await openAs(browser, server, 'viewer')
    await page.goto('/')
    await page.getByText('live', { exact: true }).waitFor()
    await page.evaluate('globalThis.loadedOnce = true')
    const { id, token } = await boot(1)
    const row = page.locator(`#boot-${id}`)
    await row.getByText('got its script').waitFor()
    await row.getByRole('link', { name: 'got its script' }).focus()
    const startedAt = new Date()
    const common = { boot: id, address: '192.0.2.1', file: 'initrd.gz', startedAt, movedAt: startedAt }
    downloads = [{ ...common, doneBytes: 12_000_000, totalBytes: 48_000_000, bytesPerSecond: 6_000_000 }]
    await row.getByText('12.0 MB of 48.0 MB, 25 %, 6.0 MB/s, 6 s left').waitFor()
    expect(await row.getByRole('progressbar', { name: `initrd.gz of ${macOf(1)}` }).getAttribute('value')).toBe(
      '12000000',
    )
    expect(await page.evaluate('document.activeElement.textContent')).toBe('loads initrd.gz')
    downloads = []
    await report(token, 1)
    await page.locator('[data-outcome=booted]').getByText('1', { exact: true }).waitFor()
    await row.waitFor({ state: 'detached' })
    await page.getByText('No machine boots at this moment. Last boot:').waitFor()
    expect(await page.evaluate('globalThis.loadedOnce')).toBe(true)
    expect(faults).toEqual([])
    await close()
  })

  test('shows a stalled machine first with its likely cause, fits every screen, in light and dark', async () => {
    const [young, stalled] = [await boot(2), await boot(3)]
    await opened.db.execute(sql`
      update boots set outcome = 'stalled', message = 'stalled at script: the kernel is unreachable', moved_at = now() - interval '9 minutes'
      where id = ${stalled.id}`)
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, faults, close } = await openAs(browser, server, 'viewer', { colorScheme })
      await page.goto('/')
      await page.getByText('live', { exact: true }).waitFor()
      const rows = page.locator('table.booting tbody tr')
      const ids = () => rows.evaluateAll((all) => all.map((row) => row.id))
      await expect.poll(ids).toEqual([`boot-${stalled.id}`, `cause-${stalled.id}`, `boot-${young.id}`])
      expect(await rows.nth(0).textContent()).toContain('stalled: got its script')
      expect(await rows.nth(1).textContent()).toContain('the kernel is unreachable')
      await page.locator('#throughput canvas').waitFor()
      await expectAccessible(page)
      await expectFits(page)
      expect(faults).toEqual([])
      await close()
    }
    await report(young.token, 2)
    await report(stalled.token, 3)
  })

  test('counts the time at a stage on while nothing changes', async () => {
    const { id, token } = await boot(4)
    const { page, close } = await openAs(browser, server, 'viewer')
    await page.goto('/')
    const waited = page.locator(`#boot-${id} time`)
    await waited.getByText('3 s', { exact: true }).waitFor()
    await close()
    await report(token, 4)
  })

  test('needs no JavaScript, and then loads again every 30 s', async () => {
    const { id, token } = await boot(5)
    const { page, close } = await openAs(browser, server, 'viewer', { javaScriptEnabled: false })
    // The server reads the boots at most once a second.
    const isShown = () => page.goto('/').then(() => page.locator(`#boot-${id}`).count())
    await expect.poll(isShown, { timeout: 10_000 }).toBe(1)
    expect(await page.locator(`#boot-${id}`).textContent()).toContain('got its script')
    expect(await page.getByRole('link', { name: 'Reload for newer' }).isVisible()).toBe(true)
    expect(await page.locator('meta[http-equiv=refresh]').getAttribute('content')).toBe('30')
    await close()
    await report(token, 5)
  })

  test('shows names and messages of machines as text', async () => {
    const message = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
    const { id } = await boot(6)
    await opened.db.execute(sql`
      update boots set progress = ${message}, outcome = 'stalled', message = ${message}
      where id = ${id}`)
    for (const path of ['/', '/wall', '/boots', `/boots/${id}`]) {
      const { page, faults, close } = await openAs(browser, server, 'viewer')
      await page.goto(path)
      await page.getByText(message).first().waitFor()
      await page.waitForTimeout(500)
      expect(await page.locator('main script:not([src]), main img').count(), path).toBe(0)
      expect(faults, path).toEqual([])
      await close()
    }
  })

  test('begins today at midnight of the reader, and in UTC without JavaScript', async () => {
    const since = async (options: BrowserContextOptions) => {
      const { page, faults, close } = await openAs(browser, server, 'viewer', options)
      await page.goto('/')
      if (options.javaScriptEnabled !== false) await page.getByText('live', { exact: true }).waitFor()
      const title = page.locator('#today-title')
      const read = async () => [
        await title.textContent(),
        (await title.locator('time').getAttribute('datetime'))?.slice(11, 16),
      ]
      return { read, faults, close }
    }
    const india = await since({ timezoneId: 'Asia/Kolkata' })
    await expect.poll(india.read).toEqual(['Today since 00:00 UTC+05:30', '18:30'])
    expect(india.faults).toEqual([])
    await india.close()
    const plain = await since({ timezoneId: 'Asia/Kolkata', javaScriptEnabled: false })
    expect(await plain.read()).toEqual(['Today since 00:00 UTC', '00:00'])
    await plain.close()
  })

  test('leads to the sign-in when the session ended', async () => {
    const { page, close } = await openAs(browser, server, 'viewer')
    await page.goto('/')
    await page.getByText('live', { exact: true }).waitFor()
    await opened.db.execute(sql`delete from sessions`)
    await page.waitForURL('**/sign-in?next=%2F')
    await close()
  })

  test('weighs at most 60 kB without the chart, which has 22 kB', async () => {
    expect(await firstViewBytes(server, 'viewer', '/')).toBeLessThanOrEqual(82_000)
    expect(await firstViewBytes(server, 'viewer', '/wall')).toBeLessThanOrEqual(60_000)
  })
})
