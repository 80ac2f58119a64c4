import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { createToken } from '../../../src/inventory/access/tokens.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { recordReport } from '../../helpers/reports.ts'

const macOf = (n: number) => `52:54:00:00:02:${String(n).padStart(2, '0')}`

describe('deploying', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser | undefined
  let token: Record<string, string> | undefined
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
  const ask = (method: string, path: string, body?: unknown) => server.api.ask(method, `/api/v1${path}`, body, token)
  const enterOnce = async () => {
    if (token !== undefined) return
    token = { authorization: `Bearer ${(await createToken(opened.db, `test ${Date.now()}`, 'tester')).token}` }
    await saveImage(opened.db, 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    for (let n = 0; n < 10; n += 1)
      await ask('PUT', `/machines/${macOf(n)}`, { hostname: `n${n}`, labels: { rack: n < 8 ? 'b4' : 'c1' } })
  }
  /** The id of a new machine. */
  const enterFree = async (n: number): Promise<string> =>
    (await ask('PUT', `/machines/${macOf(n)}`, { hostname: `n${n}` })).body.id
  const bootOf = (n: number) =>
    openBootFor(opened.db, { mac: macOf(n), platform: 'efi', buildarch: 'x86_64' }, '192.0.2.1')
  const report = async (hostname: string, ...reports: [string, string?][]) => {
    const { token: boot } = await bootOf(Number(hostname.slice(1)))
    for (const [stage, message] of reports) await recordReport(opened.db, boot, stage as 'ready', '192.0.2.1', message)
  }
  const namesIn = async (page: Page) => {
    await page.locator('.destroys').waitFor()
    return page.locator('#preview > .many a').allTextContents()
  }

  test('an empty server says what a deployment is, and what comes first', async () => {
    expect((await server.visit('operator', '/deployments')).html).toContain('Nothing is deployed yet')
    expect((await server.visit('operator', '/new/deployment')).html).toContain('There is no image yet')
    expect((await server.visit('viewer', '/deployments')).html).not.toContain('/new/deployment')
    expect((await server.visit('viewer', '/new/deployment')).status).toBe(403)
  })

  describe.runIf(hasChromium())('in a browser', () => {
    beforeEach(enterOnce)

    test('arms a canary, shows live how it goes, retries a failure, continues with the others and stops', async () => {
      const { page, faults, close } = await openAs(browser as Browser, server, 'operator')
      await page.goto('/deployments')
      await page.getByRole('link', { name: 'choose machines and an image' }).click()
      await expectAccessible(page)
      await page.getByLabel('Labels').fill('rack=b4')
      await page.getByLabel('Image').selectOption('debian')
      await page.getByLabel('Share in percent').fill('25')
      await page.getByRole('button', { name: 'Preview' }).click()
      const canary = await namesIn(page)
      expect(canary).toHaveLength(2)
      expect(await page.locator('.destroys').textContent()).toContain('over the disk of 2 machines')
      await expectAccessible(page)
      await expectFits(page)

      // The number must be typed.
      const install = page.getByRole('button', { name: 'Install on 2 machines' })
      await install.click()
      expect(page.url()).toContain('/new/deployment')
      await page.getByLabel('to confirm').fill('2')
      await install.click()
      await page.waitForURL('**/deployments/batches/**')
      await page.getByRole('status').filter({ hasText: 'Armed debian on 2 machines.' }).first().waitFor()
      await expectAccessible(page)

      await report(canary[0] ?? '', ['ready'], ['failed', 'no disk'])
      await report(canary[1] ?? '', ['ready'], ['installed'])
      await page.locator('.legend', { hasText: '1 failed' }).waitFor()
      const row = page.getByRole('row', { name: canary[0] ?? '' })
      expect(await row.textContent()).toContain('no disk')
      expect(await page.locator('#batch').textContent()).toContain('All deployments ended.')
      await expectAccessible(page)
      await expectFits(page)

      await page.getByRole('button', { name: 'Retry the failed…' }).click()
      await page.getByLabel('to confirm').fill('1')
      await page.getByRole('button', { name: 'Install again on 1 machine' }).click()
      await page.locator('.legend', { hasText: '1 armed' }).waitFor()

      const denied = ['n0', 'n1', 'n2'].find((name) => !canary.includes(name)) ?? ''
      await ask('PATCH', `/machines/${denied}`, { denied: true })
      // The batch is opened from the list, later.
      await page.goto('/deployments')
      await page.locator('a[href^="/deployments/batches/"]').first().click()
      await page.getByRole('button', { name: 'Continue with the other 6 machines…' }).click()
      const others = await namesIn(page)
      const all = [...canary, ...others, denied]
      expect(all.sort()).toEqual(['n0', 'n1', 'n2', 'n3', 'n4', 'n5', 'n6', 'n7'])
      expect(await page.locator('#preview').textContent()).toContain('the machine is denied')
      await page.getByLabel('to confirm').fill(String(others.length))
      await page.getByRole('button', { name: /^Install on/ }).click()
      await page.waitForURL('**/deployments/batches/**')

      await page.getByRole('button', { name: 'Stop…' }).click()
      await expectAccessible(page)
      await page.getByRole('button', { name: `Cancel ${others.length} deployments` }).click()
      await page.locator('.legend', { hasText: `${others.length} cancelled` }).waitFor()
      await page.goto('/deployments')
      await expectAccessible(page)
      await expectFits(page)
      expect(await page.getByRole('row').count()).toBeGreaterThan(3)
      expect(faults).toEqual([])
      await close()
    })

    test('does the same without JavaScript and by the keyboard, and is readable in the dark', async () => {
      const { page, close } = await openAs(browser as Browser, server, 'operator', { javaScriptEnabled: false })
      await page.goto('/new/deployment?group=&label=rack%3Dc1&install=debian')
      await page.getByLabel('Share in percent').focus()
      await page.keyboard.press('Enter')
      await page.getByLabel('to confirm').focus()
      await page.keyboard.type('2')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/deployments/batches/**')
      expect(await page.locator('.legend').textContent()).toContain('2 armed')
      const batch = page.url()
      await close()
      const dark = await openAs(browser as Browser, server, 'operator', { colorScheme: 'dark' })
      for (const path of ['/deployments', '/new/deployment?label=rack%3Db4&install=debian&preview=yes', batch]) {
        await dark.page.goto(path)
        await expectAccessible(dark.page)
        await expectFits(dark.page)
      }
      expect(dark.faults).toEqual([])
      await dark.close()
    })

    test('arms nothing if the inventory changed after the preview, and shows the new preview', async () => {
      const fields = { label: 'rack=b4', install: 'debian', expect: '3', preview: 'yes' }
      const { status, html } = await server.visit('operator', '/new/deployment', fields)
      expect([status, html.includes('machines would be armed now, not 3')]).toEqual([409, true])
      expect((await server.visit('operator', '/new/deployment', { ...fields, expect: '' })).status).toBe(422)
      expect((await server.visit('operator', '/new/deployment', { ...fields, label: '' })).status).toBe(422)
    })

    test('arms once, however often the same form is sent', async () => {
      const ids = await enterFree(30)
      const fields = { ids, install: 'debian', expect: '1', once: 'a-form-of-this-test' }
      const [first, second] = [
        await server.visit('operator', '/new/deployment', fields),
        await server.visit('operator', '/new/deployment', fields),
      ]
      expect([first.status, second.headers.get('location')]).toEqual([303, first.headers.get('location')])
      const one = (await ask('GET', '/deployments?limit=1')).body.items[0]
      const shown = await server.visit('viewer', `/deployments/${one.id}`)
      expect(shown.html).not.toContain('Cancel this deployment')
      const cancelled = await server.visit('operator', `/deployments/${one.id}/cancel`, {})
      expect(cancelled.headers.get('location')).toBe(`/deployments/${one.id}`)
    })

    test('passes version, answer file, params, arguments and limits on as they were entered', async () => {
      await ask('PUT', '/answer-files/base', { documents: [{ name: 'preseed.cfg', text: 'd-i' }] })
      const ids = await enterFree(31)
      const how = { params: 'disk=/dev/sda\ncount=2\nlist=["a"]', args: 'quiet\nconsole=ttyS0', withoutArgs: 'splash' }
      const limits = { version: '1', maxAttempts: '5', windowHours: '1.5', answerFile: 'base', force: 'yes' }
      await server.visit('operator', '/new/deployment', { ids, install: 'debian', expect: '1', ...how, ...limits })
      expect((await ask('GET', '/deployments?limit=1')).body.items[0]).toMatchObject({
        ...{ version: 1, answerFile: 'base', params: { disk: '/dev/sda', count: 2, list: ['a'] } },
        ...{ args: ['quiet', 'console=ttyS0'], withoutArgs: ['splash'], maxAttempts: 5, windowSeconds: 5400 },
      })
      const bad = await server.visit('operator', '/new/deployment', { ids, install: 'debian', params: 'disk' })
      expect([bad.status, bad.html.includes('name=value, one a line')]).toEqual([422, true])
    })

    test('powers no machine unless asked, and names the machines that cannot be powered', async () => {
      const [first, second] = [await enterFree(40), await enterFree(41)]
      const setting = { kind: 'redfish', url: 'https://192.0.2.40', username: 'root', password: 'calvin-7c1f' }
      await ask('PUT', `/machines/${first}/power`, setting)
      const fields = { ids: `${first},${second}`, install: 'debian', preview: 'yes' }
      const preview = async (more: object) =>
        (await server.visit('operator', `/new/deployment?${new URLSearchParams({ ...fields, ...more })}`)).html
      expect(await preview({})).toContain('over the disk of 2 machines')
      expect(await preview({})).not.toContain('restart now')
      const html = await preview({ power: 'cycle' })
      expect(html).toContain('over the disk of 1 machine')
      expect(html).toContain('The machines restart now, which stops what runs on them')
      expect(html).toMatch(/1 machine:<\/strong> the machine has no power setting[\s\S]*n41/)
      const requests = async () => (await ask('GET', '/power-requests')).body.items
      expect(await requests()).toEqual([])
      const armed = await server.visit('operator', '/new/deployment', { ...fields, power: 'cycle', expect: '1' })
      expect(await requests()).toMatchObject([{ machineId: first, action: 'cycle', network: true, state: 'waiting' }])
      expect((await server.visit('viewer', armed.headers.get('location') ?? '')).html).toContain('power cycle waiting')
      await server.visit('operator', '/new/deployment', { ...fields, ids: second, expect: '1' })
      expect(await requests()).toHaveLength(1)
    })

    test('needs at most 60 kB for its first view', async () => {
      expect(await firstViewBytes(server, 'operator', '/deployments')).toBeLessThan(60_000)
      const preview = '/new/deployment?label=rack%3Db4&install=debian&preview=yes'
      expect(await firstViewBytes(server, 'operator', preview)).toBeLessThan(60_000)
    })
  })
})
