import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { listForeignServers } from '../../../src/inventory/system/foreign-servers.ts'
import { startForeignServers } from '../../../src/inventory/system/server-sightings.ts'
import type { Mac } from '../../../src/lib/ids/mac.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { recordReport } from '../../helpers/reports.ts'

const hostile = '"><script>alert(1)</script>\'; drop \u202eevil'

describe.runIf(hasChromium())('the guide of set-up', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await opened?.close()
  })

  test('leads from an empty server to a machine that boots, which appears without a reload', async () => {
    const { page, faults, close } = await openAs(browser, server, 'admin')
    const stateOf = (step: string) => page.locator(`#${step} > details > summary .badge`).textContent()
    const openStep = async (step: string) => {
      const details = page.locator(`#${step} > details`)
      if ((await details.getAttribute('open')) === null) await details.locator('summary').first().click()
    }
    await page.goto('/setup')
    await expectAccessible(page)
    await expectFits(page)
    expect([await stateOf('addresses'), await stateOf('programs')]).toEqual(['done', 'done'])
    expect([await stateOf('dhcp'), await stateOf('image'), await stateOf('machine')]).toEqual([
      'to do',
      'to do',
      'to do',
    ])

    await openStep('dhcp')
    await page.getByRole('button', { name: 'Switch proxyDHCP on' }).click()
    await page.getByRole('status').filter({ hasText: 'proxyDHCP answers firmware on' }).first().waitFor()
    expect(await stateOf('dhcp')).toBe('done')

    await openStep('image')
    await page.getByLabel('Recipe').selectOption('alpine-3.24')
    await page.getByRole('button', { name: 'Import' }).click()
    await page.getByRole('status').filter({ hasText: 'The import of alpine-3.24 started.' }).first().waitFor()
    expect(await stateOf('image')).toBe('in progress')

    await page.goto('/setup/policy')
    await expectAccessible(page)
    await page.getByLabel('waits').check()
    await page.getByRole('button', { name: 'Save the policy' }).click()
    await page.goto('/setup')
    expect(await stateOf('policy')).toBe('done')

    await openStep('machine')
    expect(await page.locator('#seen').textContent()).toContain('Waiting for your machine…')
    await saveMachine(opened.db, { mac: '52:54:00:00:00:01' }, {}, {}, 'tester')
    const boot = await openBootFor(opened.db, { mac: '52:54:00:00:00:01', platform: 'efi' }, '192.0.2.21')
    await page.locator('#seen').getByText('52:54:00:00:00:01').first().waitFor()
    await recordReport(opened.db, boot.token, 'booted', '192.0.2.21', undefined)
    await page.locator('#seen .badge', { hasText: 'booted' }).waitFor()
    await expectAccessible(page)
    await page.locator('#seen a').first().click()
    expect(page.url()).toMatch(/\/machines\/[0-9a-f-]{36}$/)

    // The newest boots are all in progress.
    for (let last = 11; last < 17; last++)
      await openBootFor(opened.db, { mac: `52:54:00:00:00:${last}` as Mac }, `192.0.2.${last}`)
    // The figures of today are counted every few seconds.
    const text = async () => {
      await page.goto('/setup')
      return page.locator('main').textContent()
    }
    await expect.poll(text, { timeout: 30_000, interval: 1000 }).toContain('Machines boot from this server.')
    expect(faults).toEqual([])
    await close()
  })

  test('does its work without JavaScript, and in the dark', async () => {
    const { page, close } = await openAs(browser, server, 'admin', { javaScriptEnabled: false, colorScheme: 'dark' })
    await page.goto('/setup/dhcp?server=kea')
    expect(await page.locator('pre').textContent()).toContain('option[93].hex')
    const off = page.getByRole('button', { name: 'Switch proxyDHCP off' })
    if ((await off.count()) > 0) await off.click()
    await page.getByRole('button', { name: 'Switch proxyDHCP on' }).click()
    await page.getByRole('status').filter({ hasText: 'proxyDHCP answers firmware on' }).first().waitFor()
    await close()
    const dark = await openAs(browser, server, 'admin', { colorScheme: 'dark' })
    for (const path of ['/setup', '/setup/dhcp', '/setup/doctor', '/setup/settings', '/codes/BW-DHCP-NO-OFFER']) {
      await dark.page.goto(path)
      await expectAccessible(dark.page)
      await expectFits(dark.page)
    }
    expect(dark.faults).toEqual([])
    await dark.close()
  })

  test('shows texts of machines as texts', async () => {
    const boot = await openBootFor(opened.db, { mac: '52:54:00:00:00:02' }, '192.0.2.22')
    await recordReport(opened.db, boot.token, 'failed', '192.0.2.22', hostile)
    const { page, faults, close } = await openAs(browser, server, 'viewer')
    await page.goto('/setup/live')
    expect(await page.locator('#seen').textContent()).toContain('"><script>alert(1)</script>')
    await expect.poll(() => page.locator('#seen script').count()).toBe(0)
    await expectFits(page)
    expect(faults).toEqual([])
    await close()
  })

  test('runs the doctor while the page shows that it runs, and lists what it found', async () => {
    const { page, faults, close } = await openAs(browser, server, 'operator')
    // The page about this moment leads here with what the checks of the server found.
    const before = async () => (await server.visit('viewer', '/setup/doctor')).html
    await expect.poll(before, { timeout: 15_000 }).toContain('Found by the checks of the server')
    await page.goto('/setup/doctor')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Run the doctor' }).click()
    await page.getByText('Last run:').waitFor()
    // Nothing listens where the doctor of the test looks.
    expect(await page.locator('.findings .badge', { hasText: 'error' }).count()).toBeGreaterThan(0)
    await expectAccessible(page)
    await page.locator('.findings a[href^="/codes/BW-"]').first().click()
    await expect.poll(() => page.locator('main h3').first().textContent()).toBe('Likely causes')
    await expectAccessible(page)
    expect(faults).toEqual([])
    await close()
  })

  test('lists foreign servers, which an operator acknowledges with a purpose, or deletes from the list', async () => {
    const notes = startForeignServers(opened.db, server.api.deps.log)
    notes.note({ address: '192.0.2.1', role: 'dhcp', evidence: 'offer', vendor: hostile })
    notes.note({ address: '192.0.2.250', role: 'boot', evidence: 'tftp', file: 'ipxe.efi' })
    await expect.poll(async () => (await listForeignServers(opened.db)).length, { timeout: 10_000 }).toBe(2)
    await notes.stop()
    const { page, faults, close } = await openAs(browser, server, 'operator')
    await page.goto('/setup/doctor')
    await expectFits(page)
    const row = (address: string) => page.locator('#servers tbody tr', { hasText: address })
    await page.getByLabel('Purpose of 192.0.2.250').fill('the old server')
    await row('192.0.2.250').getByRole('button', { name: 'Acknowledge' }).click()
    await page.getByRole('status').getByText('192.0.2.250 is acknowledged.').waitFor()
    expect(await row('192.0.2.250').textContent()).toContain('the old server')
    await expectAccessible(page)
    await page
      .locator('#servers tbody tr', { hasNotText: 'the old server' })
      .getByRole('button', { name: 'Forget' })
      .click()
    await page.getByRole('status').getByText('deleted from the list').waitFor()
    await expect.poll(() => page.locator('#servers tbody tr').count()).toBe(1)
    expect(faults).toEqual([])
    await close()
  })

  test('offers a viewer nothing that a viewer may not do', async () => {
    const { html } = await server.visit('viewer', '/setup')
    expect(html).not.toMatch(/Switch proxyDHCP|Run the doctor<\/button>|action="\/setup/)
    expect((await server.visit('viewer', '/setup/policy')).html).not.toContain('Save the policy')
    for (const path of ['/setup/proxy-dhcp', '/setup/image', '/setup/doctor', '/setup/policy'])
      expect([path, (await server.visit('viewer', path, {})).status]).toEqual([path, 403])
    for (const path of ['/setup/proxy-dhcp', '/setup/policy'])
      expect([path, (await server.visit('operator', path, {})).status]).toEqual([path, 403])
    expect((await server.visit('operator', '/setup/settings')).status).toBe(403)
  })

  test('keeps the choice of a form that the API refuses, and says why', async () => {
    const { status, html } = await server.visit('admin', '/setup/policy', { kind: 'image', image: 'no-such' })
    expect([status, html.includes('Nothing was changed.')]).toEqual([422, true])
    expect(html).toMatch(/value="image" checked/)
    expect((await server.visit('admin', '/codes/no-such-code')).status).toBe(404)
  })

  test('needs at most 60 kB for its first view', async () => {
    expect(await firstViewBytes(server, 'admin', '/setup')).toBeLessThan(60_000)
  })
})
