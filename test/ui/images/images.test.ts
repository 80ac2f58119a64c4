import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { createImport, endImport, type Import, recordProgress } from '../../../src/inventory/images/imports.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

describe('the pages of images and imports', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    server.api.deps.intake.newestVersion = async () => '20260101+deb13u9'
  })
  afterAll(async () => {
    await browser?.close()
    await server.close()
    await opened.close()
  })
  const request = (image: string, url = 'https://mirror.example/a/tool.iso'): Promise<Import> =>
    createImport(opened.db, { image, plan: { kind: 'url', url, keepIso: false }, server: 'test' }, 'person mira')
  const end = (item: Import, how: Parameters<typeof endImport>[2]) =>
    opened.db.transaction((tx) => endImport(tx, item, how))
  const local = [{ kind: 'local' as const, arch: 'x86_64' as const }]
  const widthsOf = async (page: Page) => {
    const wide: number[] = []
    for (const width of [360, 768, 1440]) {
      await page.setViewportSize({ width, height: 900 })
      if (await page.evaluate('document.documentElement.scrollWidth > innerWidth')) wide.push(width)
    }
    return wide
  }

  test('starts an import without a script, shows its failure with the next step, and tries again', async () => {
    const empty = await server.visit('operator', '/images')
    expect(empty.html).toContain('No images yet')
    const start = await server.visit('operator', '/recipes', { recipe: 'debian-13', archs: 'x86_64' })
    const path = start.headers.get('location') ?? ''
    expect([start.status, path]).toEqual([303, expect.stringMatching(/^\/imports\/[0-9a-f-]{36}$/)])
    const found = (await server.api.deps.db.execute('select id, image from imports')) as unknown as { rows: Import[] }
    const [item] = found.rows
    expect(item?.image).toBe('debian-13')
    expect((await server.visit('viewer', path)).html).toContain('Waits for its turn')
    await end({ ...(item as Import), actor: 'x' }, { state: 'failed', message: 'mirror.example: "<b>unreachable</b>' })
    const { html } = await server.visit('operator', path)
    expect(html).toContain('mirror.example: &quot;&lt;b&gt;unreachable')
    expect(html).toContain('Next step')
    const again = await server.visit('operator', `${path}/retry`, { x: '1' })
    const second = again.headers.get('location') ?? ''
    expect([again.status, second === path]).toEqual([303, false])
    const cancelled = await server.visit('operator', `${second}/cancel`, { back: 'images' })
    expect(cancelled.headers.get('location')).toBe('/images')
    expect((await server.visit('viewer', second)).html).toContain('cancelled')
  })

  test('shows what is wrong with a request for a recipe, beside the catalogue', async () => {
    const { status, html } = await server.visit('operator', '/recipes', {
      recipe: 'debian-13',
      archs: 'riscv64',
    })
    expect(status).toBe(422)
    expect(html).toContain('Nothing was changed.')
    expect(html).toContain('archs')
    expect(html).toContain('id="recipe-debian-13"')
  })

  test('marks the recipes whose images are here, and those with a newer version upstream', async () => {
    const recipe = { name: 'debian-13', version: '20250803' }
    await saveImage(opened.db, 'trixie', { variants: local, recipe }, {}, 'tester')
    const card = (html: string) => /id="recipe-debian-13"[\s\S]*?<\/article>/.exec(html)?.[0] ?? ''
    expect(card((await server.visit('viewer', '/recipes')).html)).toMatch(/here<\/span>[\s\S]*trixie[\s\S]*20250803/)
    const checked = card((await server.visit('operator', '/recipes/check', { all: '1' })).html)
    expect(checked).toMatch(/newer available<\/span> 20260101\+deb13u9/)
    expect(checked).toContain('Import the newer')
  })

  test('offers a viewer nothing that a viewer may not do', async () => {
    const waiting = await request('viewed')
    for (const path of ['/images', '/recipes', `/imports/${waiting.id}`, '/imports']) {
      const { status, html } = await server.visit('viewer', path)
      expect([path, status, /<form(?![^>]*sign-out)[^>]*method="post"/.test(html)]).toEqual([path, 200, false])
      expect(gzipSync(html).length).toBeLessThan(20_000)
    }
    for (const path of ['/recipes', '/recipes/check', `/imports/${waiting.id}/cancel`])
      expect([path, (await server.visit('viewer', path, { recipe: 'debian-13' })).status]).toEqual([path, 403])
  })

  test('shows hostile titles and sources as text', async () => {
    const title = '"><script>alert(1)</script>\'; drop‮'
    await saveImage(opened.db, 'hostile', { title, variants: local }, {}, 'tester')
    await request('evil', 'https://mirror.example/%22%3E%3Cscript%3Ealert(1)%3C/script%3E.iso')
    for (const path of ['/images', '/imports'])
      expect((await server.visit('viewer', path)).html).not.toContain('<script>alert')
  })

  describe.runIf(hasChromium())('in a browser', () => {
    test('follows an import to its end without a click, also after a reload, and the image appears', async () => {
      const item = await request('fresh')
      const { page, faults, close } = await openAs(browser, server, 'operator')
      await page.goto('/images')
      const progress = page.locator(`#import-${item.id}`)
      await expect.poll(() => progress.textContent()).toContain('Waits for its turn')
      const step = { doing: 'downloading tool.iso', doneBytes: 50_000_000, totalBytes: 200_000_000 }
      await recordProgress(opened.db, item.id, { ...step, bytesPerSecond: 10_000_000 })
      await expect.poll(() => progress.textContent(), { timeout: 8000 }).toContain('25 %')
      expect(await progress.textContent()).toMatch(/50\.0 MB of 200\.0 MB\s+·\s+10\.0 MB\/s\s+·\s+15 s left/)
      await page.reload()
      await expect.poll(() => progress.textContent()).toContain('25 %')
      await expectAccessible(page)
      expect(await widthsOf(page)).toEqual([])
      await saveImage(opened.db, 'fresh', { variants: local }, {}, 'tester')
      await end(item, { state: 'done', image: 'fresh', version: 1, message: 'Needs 1 GiB of memory.' })
      await page.locator('#image-fresh').waitFor({ timeout: 8000 })
      expect(await progress.textContent()).toContain('has version 1')
      await page.goto(`/imports/${item.id}`)
      expect(await page.locator('#import').textContent()).toContain('Needs 1 GiB of memory.')
      await expectAccessible(page)
      expect(faults).toEqual([])
      await close()
    })

    test('imports by one click on a recipe, by the keyboard, in the dark and on a phone', async () => {
      const { page, faults, close } = await openAs(browser, server, 'operator', { colorScheme: 'dark' })
      await page.goto('/recipes')
      await expectAccessible(page)
      expect(await widthsOf(page)).toEqual([])
      await page.getByRole('button', { name: 'Import Memtest86+' }).focus()
      await page.keyboard.press('Enter')
      await page.waitForURL('**/imports/*')
      expect(await page.locator('h1').textContent()).toBe('Import of memtest86plus')
      await expectAccessible(page)
      page.once('dialog', (dialog) => dialog.accept())
      await page.getByRole('button', { name: 'Cancel the import' }).click()
      await expect.poll(() => page.locator('#import').textContent()).toContain('cancelled')
      await page.goto('/imports')
      await expectAccessible(page)
      expect(await widthsOf(page)).toEqual([])
      expect(faults).toEqual([])
      await close()
    })
  })
})
