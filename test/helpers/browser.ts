import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Role } from '../../src/model/access/role.ts'
import { hasTool } from './needs.ts'
import type { PageServer } from './page-server.ts'

/** Whether Debian's chromium is here. In CI it must be. */
export const hasChromium = () => hasTool('chromium', 'chromium')

/**
 * Starts chromium without a window. A container has no user namespaces for its sandbox; it opens only pages of loopback here.
 * @param executablePath a program that starts chromium with its arguments, such as in a network namespace
 */
export function openBrowser(executablePath = '/usr/bin/chromium'): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
}

/** A page of a browser that is signed in, and what went wrong in it: script errors, refused styles, requests to other hosts. */
export type Opened = { page: Page; faults: string[]; close: () => Promise<void> }

export async function openAs(
  browser: Browser,
  server: PageServer,
  role: Role | undefined,
  options: BrowserContextOptions = {},
): Promise<Opened> {
  const context = await browser.newContext({ baseURL: server.url, viewport: { width: 1440, height: 900 }, ...options })
  if (role !== undefined) {
    const { name, value } = await server.signIn(role)
    await context.addCookies([{ name, value, url: server.url }])
  }
  const faults: string[] = []
  // No request leaves this host, whatever a page asks for.
  await context.route('**/*', (route) => {
    if (new URL(route.request().url()).origin === server.url) return route.continue()
    faults.push(`request to ${route.request().url()}`)
    return route.abort()
  })
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(`script error: ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of (401|403|404|409|422)/.test(message.text()))
      faults.push(message.text())
  })
  return { page, faults, close: () => context.close() }
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

type Violation = { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }

/** Expects a page without violations of WCAG 2.2 AA that axe can find. */
export async function expectAccessible(page: Page, what = page.url()): Promise<void> {
  // Without its styles, a page has other colors and sizes.
  await page.waitForLoadState()
  await page.evaluate(axe)
  const violations = (await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: (options: object) => Promise<{ violations: unknown[] }> } }
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    return (await axe.run({ runOnly: { type: 'tag', values: tags } })).violations
  })) as Violation[]
  const found = violations.map(
    ({ id, help, nodes }) => `${id}: ${help}\n  ${nodes.map(({ html }) => html).join('\n  ')}`,
  )
  expect(found, what).toEqual([])
}
