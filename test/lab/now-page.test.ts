import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bootRules } from '../../scripts/lab/dhcp.ts'
import { type Lab, openLab } from '../../scripts/lab/lab.ts'
import { hasChromium, openBrowser } from '../helpers/browser.ts'
import { assignLab, bootTimeoutMs, describeLab } from './lab-tests.ts'

/** Starts chromium on the boot server's computer, where admin HTTP listens on loopback. */
async function openBrowserIn(lab: Lab): Promise<Browser> {
  const program = join(lab.workDir, 'chromium')
  await writeFile(program, `#!/bin/sh\nexec ip netns exec ${lab.net.server} /usr/bin/chromium "$@"\n`)
  await chmod(program, 0o755)
  return openBrowser(program)
}

/** Uses the link of the first start, as its reader does. */
async function signUp(lab: Lab, page: Page): Promise<string> {
  const [link = ''] = /http:\/\/\S+\/welcome\/\S+/.exec(lab.server.process.text()) ?? []
  await page.goto(link)
  await page.getByLabel('Name').fill('mira')
  await page.getByLabel('Password').fill('a picture of a rack')
  await page.getByRole('button').first().click()
  await page.waitForURL('**/setup')
  return new URL(link).origin
}

/** Keeps each stage that the page shows for a machine, in order. It runs in the page. */
const watchStages = (name: string) => `
  globalThis.seen = []
  const look = () => {
    for (const row of document.querySelectorAll('table.booting tbody tr')) {
      const stage = row.querySelector('a.stage')?.textContent
      if (row.querySelector('td.name')?.textContent === '${name}' && stage && stage !== seen.at(-1)) seen.push(stage)
    }
  }
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })`

describe.runIf(hasChromium())('the page of this moment, in chromium', () => {
  describeLab('beside a real machine', () => {
    let lab: Lab
    let browser: Browser
    beforeAll(async () => {
      lab = await openLab()
      browser = await openBrowserIn(lab)
    })
    afterAll(async () => {
      await browser?.close()
      await lab?.close()
    })

    test('shows the machine appear, pass its stages, and end in the outcomes of today', {
      timeout: bootTimeoutMs + 20_000,
    }, async () => {
      const mac = '52:54:00:6c:0f:01'
      await assignLab(lab, mac)
      const page = await browser.newPage()
      const origin = await signUp(lab, page)
      await page.goto(origin)
      await page.getByText('live', { exact: true }).waitFor()
      await page.evaluate(watchStages(mac))
      const booted = page.locator('[data-outcome=booted] strong')
      expect(await booted.textContent()).toBe('0')

      const { powerOff } = await lab.powerOn({ firmware: 'pcbios-x86_64', mac }, bootRules.byFirmware)
      try {
        await booted.getByText('1', { exact: true }).waitFor({ timeout: bootTimeoutMs })
      } finally {
        await powerOff()
      }
      // A reload would have lost what this page kept.
      const seen = (await page.evaluate('globalThis.seen')) as string[]
      // The page shows at most one moment a second, and this system starts within one.
      expect(seen.length).toBeGreaterThanOrEqual(1)
      await page.getByText('Last boot:').waitFor()
      expect(await page.locator('#booting-title ~ p').textContent()).toContain(`Last boot: ${mac}, booted`)
    })
  })
})
