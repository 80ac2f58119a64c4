import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { addTestPerson, goodPassword } from '../../helpers/people.ts'

/** The longest name that the API accepts, with characters that HTML, SQL and texts from right to left care about. */
const hostile = `"><script>alert(1)</script>'; drop ${'ש'.repeat(29)}`

describe.runIf(hasChromium())('the pages of people and tokens', () => {
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

  test('adds a person, whose link sets a password once, and the first page after it is set-up', async () => {
    server.api.deps.adminUrl = () => server.url
    const admin = await openAs(browser, server, 'admin')
    await admin.page.goto('/setup/people')
    await admin.page.getByLabel('Name').focus()
    await admin.page.keyboard.type('Carla')
    await admin.page.keyboard.press('Tab')
    await admin.page.keyboard.type('viewer')
    await admin.page.keyboard.press('Tab')
    await admin.page.keyboard.press('Enter')
    await admin.page.getByText('shown only now').waitFor()
    await expectAccessible(admin.page)
    await expectFits(admin.page)
    const link = (await admin.page.locator('.copy code').first().textContent()) ?? ''
    expect(link).toContain(`${server.url}/welcome/`)

    const carla = await openAs(browser, server, undefined)
    await carla.page.goto(link)
    await carla.page.getByLabel('Password').fill(goodPassword)
    await carla.page.getByRole('button', { name: 'Save and sign in' }).click()
    await carla.page.waitForURL(`${server.url}/`)
    expect(await carla.page.locator('.person').textContent()).toMatch(/carla\s*viewer/)
    await carla.page.goto(link)
    expect(await carla.page.locator('main').textContent()).toContain('This link is not valid')

    await admin.page.goto('/setup/people')
    await admin.page.getByRole('link', { name: 'carla' }).click()
    await expectAccessible(admin.page)
    await expectFits(admin.page)
    await admin.page.getByLabel('Role').selectOption('operator')
    await admin.page.getByRole('button', { name: 'Change the role' }).click()
    await admin.page
      .getByRole('status')
      .filter({ hasText: 'carla is changed. All sessions of carla ended.' })
      .first()
      .waitFor()
    await carla.page.goto('/setup')
    expect(carla.page.url()).toContain('/sign-in')
    expect([admin.faults, carla.faults]).toEqual([[], []])
    await admin.close()
    await carla.close()
  })

  test('disables, enables, resets and deletes a person without JavaScript, each after a step that says what happens', async () => {
    await addTestPerson(opened.db, 'dora', 'operator')
    const { page, close } = await openAs(browser, server, 'admin', { javaScriptEnabled: false })
    await page.goto('/setup/people')
    await page.getByRole('link', { name: 'dora' }).click()
    await page.locator('summary', { hasText: 'Disable' }).click()
    await page.getByRole('button', { name: 'Disable dora' }).click()
    await expect.poll(() => page.locator('dl.facts').textContent()).toContain('disabled')
    await page.getByRole('button', { name: 'Enable' }).click()
    await page.locator('summary', { hasText: 'New password by link' }).click()
    await page.getByRole('button', { name: 'Make the link' }).click()
    await expect.poll(() => page.locator('.copy code').first().textContent()).toContain('/welcome/')
    await page.getByRole('link', { name: 'dora' }).click()
    await page.locator('summary', { hasText: 'Delete' }).click()
    await expect
      .poll(() => page.locator('details[open] p').textContent())
      .toContain('dora is deleted with all sessions.')
    await page.getByRole('button', { name: 'Delete dora' }).click()
    await page.getByRole('status').filter({ hasText: 'The person is deleted.' }).first().waitFor()
    expect(await page.getByRole('link', { name: 'dora' }).count()).toBe(0)
    await close()
  })

  test('shows why the last admin stays', async () => {
    const other = await openTestDatabase()
    const alone = await openPageServer(other.db)
    const { html } = await alone.visit('admin', '/setup/people')
    const id = /\/setup\/people\/([0-9a-f-]{36})/.exec(html)?.[1]
    const refused = await alone.visit('admin', `/setup/people/${id}/delete`, {})
    expect([refused.status, refused.html.includes('Nothing was changed.')]).toEqual([409, true])
    expect(refused.html).toContain('the last enabled admin')
    await alone.close()
    await other.close()
  })

  test('creates a token for some machines, shows it once, and revokes it', async () => {
    const { page, faults, close } = await openAs(browser, server, 'admin', { colorScheme: 'dark' })
    await page.goto('/setup/tokens')
    await expectAccessible(page)
    await page.getByLabel('Name').fill(hostile)
    await page.getByLabel('Only machines with labels').fill('rack')
    await page.getByRole('button', { name: 'Create a token' }).click()
    await page.getByRole('alert').filter({ hasText: 'labels: expected labels with their values' }).first().waitFor()
    expect(await page.getByLabel('Name').inputValue()).toBe(hostile)
    await page.getByLabel('Only machines with labels').fill('rack=b4, row=2')
    await page.getByLabel('Role').selectOption('viewer')
    await page.getByRole('button', { name: 'Create a token' }).click()
    await page.getByText('shown only now').waitFor()
    await expectAccessible(page)
    await expectFits(page)
    const token = await page.locator('.copy code').first().textContent()
    const use = () => fetch(`${server.url}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
    expect(await (await use()).json()).toMatchObject({ role: 'viewer', scope: { rack: 'b4', row: '2' } })
    await page.goto('/setup/tokens')
    expect(await page.locator('body').textContent()).not.toContain(token)
    expect(await page.locator('tbody tr').first().textContent()).toContain(hostile)
    await expectFits(page)
    await page.locator('summary', { hasText: 'Revoke' }).click()
    await page.getByRole('button', { name: 'Revoke the token' }).click()
    await expect.poll(async () => (await use()).status).toBe(401)
    expect(faults).toEqual([])
    await close()
  })

  test('changes the own password only with the current one, and ends the other sessions', async () => {
    const { page, faults, close } = await openAs(browser, server, 'viewer')
    await page.goto('/me')
    await expectAccessible(page)
    await expectFits(page)
    const change = async (current: string, password: string, again = password) => {
      await page.getByLabel('Current password').fill(current)
      await page.getByLabel('New password', { exact: true }).fill(password)
      await page.getByLabel('New password again').fill(again)
      await page.getByRole('button', { name: 'Change the password' }).click()
    }
    await change('wrong password!', 'green teapot 77')
    await page.getByRole('alert').waitFor()
    await change(goodPassword, 'green teapot 77', 'green teapot 78')
    await page.getByRole('alert').filter({ hasText: 'the two new passwords differ' }).first().waitFor()
    await change(goodPassword, 'green teapot 77')
    await page.getByRole('status').filter({ hasText: 'Your password is changed.' }).first().waitFor()
    await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
    page.on('dialog', (dialog) => dialog.accept())
    await page.getByRole('button', { name: 'Revoke' }).click()
    await page.waitForURL('**/sign-in**')
    expect(faults).toEqual([])
    await close()
  })

  test('is for admins only, and needs at most 60 kB for a first view', async () => {
    for (const path of ['/setup/people', '/setup/tokens'])
      for (const role of ['viewer', 'operator'] as const)
        expect([path, role, (await server.visit(role, path)).status]).toEqual([path, role, 403])
    expect(await firstViewBytes(server, 'admin', '/setup/people')).toBeLessThan(60_000)
    expect(await firstViewBytes(server, 'viewer', '/me')).toBeLessThan(60_000)
  })
})
