import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/config.ts'
import { openLog } from '../../../src/lib/log.ts'
import { startServer } from '../../../src/server/server.ts'
import { expectAccessible, hasChromium, openBrowser } from '../../helpers/browser.ts'
import { expectFits } from '../../helpers/page-checks.ts'

type Server = Awaited<ReturnType<typeof startServer>>

describe.runIf(hasChromium())('the wall view', () => {
  let folder: string
  let browser: Browser
  let server: Server | undefined
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bootwright-wall-'))
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const start = (port: number) => {
    const config = loadConfig({
      BOOTWRIGHT_DATA_DIR: folder,
      BOOTWRIGHT_BOOT_LISTEN: '127.0.0.1:0',
      BOOTWRIGHT_ADMIN_LISTEN: `127.0.0.1:${port}`,
      BOOTWRIGHT_TFTP_LISTEN: 'off',
      BOOTWRIGHT_DURABLE: 'no',
      BOOTWRIGHT_LOG_LEVEL: 'silent',
    })
    return startServer(config, openLog(config.log))
  }
  const signUp = async (url: string | undefined) => {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
    await page.goto(url ?? '')
    await page.getByLabel('Name').fill('mira')
    await page.getByLabel('Password').fill('a screen in the room')
    await page.getByRole('button').first().click()
    await page.waitForURL('**/setup')
    return page
  }

  test('leads nowhere, says who should be signed in, and continues after a restart of the server', async () => {
    server = await start(0)
    const { admin } = server.addresses
    const page = await signUp(server.welcomeUrl)
    await page.goto(`http://${admin}/wall`)
    const live = page.getByText('live', { exact: true })
    await live.waitFor()
    await page.getByText('bootwright person add wall --role viewer').waitFor()
    await expect.poll(() => page.locator('a:not(.skip), form, button, nav').count()).toBe(0)
    await expectAccessible(page)
    await expectFits(page)

    // A day before the session ends for good, the screen says so.
    const end = page.locator('#session-end')
    expect(await end.isVisible()).toBe(false)
    await page.evaluate(
      "document.getElementById('session-end').dataset.endsAt = new Date(Date.now() + 82_800_000).toISOString()",
    )
    await end
      .getByText(/The session of this screen ends in (23 h|22 h 59 min), at .*sign in again before then/)
      .waitFor()

    await server.stop()
    await page.getByText(/^not live since .*: the server does not answer, reconnecting$/).waitFor()
    await expectAccessible(page)
    server = await start(Number(admin.split(':')[1]))
    await live.waitFor()
    const mac = '52:54:00:00:00:01'
    await fetch(`http://${server.addresses.boot}/ipxe?mac=${mac}`, { headers: { 'user-agent': 'iPXE/2.0.0' } })
    await page.getByText(mac).waitFor()
    await page.context().close()
  })
})
