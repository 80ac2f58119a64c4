import { createHash } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { findFile } from '../../../src/inventory/images/files.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { listImports } from '../../../src/inventory/images/imports.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { startTcpRelay, type TcpRelay } from '../../helpers/tcp-relay.ts'

const megabyte = 1_000_000
const sizeBytes = 300 * megabyte

describe('the page that adds an image', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser
  let relay: TcpRelay
  let folder: string
  let isCut = false
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db, { maxFileBytes: 2 ** 30 })
    relay = await startTcpRelay(Number(new URL(server.url).port), ({ bytes }) => (isCut ? 'cut' : bytes))
    folder = await mkdtemp(join(tmpdir(), 'bootwright-upload-'))
  })
  afterAll(async () => {
    await browser?.close()
    await relay.stop()
    await server.close()
    await opened.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Writes a file whose bytes differ from megabyte to megabyte. */
  const writeBig = async (name: string, bytes: number) => {
    const path = join(folder, name)
    const hash = createHash('sha256')
    const file = await open(path, 'w')
    for (let at = 0; at < bytes; at += megabyte) {
      const part = Buffer.alloc(megabyte, `${name} ${at} `)
      hash.update(part)
      await file.write(part)
    }
    await file.close()
    return { path, sha256: hash.digest('hex') }
  }

  test('adds a version to an image: its page leads to the forms, with the name filled in', async () => {
    await saveImage(opened.db, 'tool', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    expect((await server.visit('operator', '/images/tool')).html).toContain('href="/new/image?image=tool"')
    expect((await server.visit('viewer', '/images/tool')).html).not.toContain('/new/image')
    const { html } = await server.visit('operator', '/new/image?image=tool')
    expect(html).toContain('<h1>Add a version of tool</h1>')
    expect(html.match(/name="image" value="tool"/g)).toHaveLength(3)
  })

  test('imports from a URL and a kernel from URLs without a script, and shows what was refused with its values', async () => {
    const visit = (fields: Record<string, string>) => server.visit('operator', '/new/image', fields)
    const url = await visit({ source: 'url', url: 'https://example.org/a.iso', image: 'a', promote: 'on' })
    expect([url.status, url.headers.get('location')]).toEqual([303, expect.stringMatching(/^\/imports\//)])
    const linux = await visit({
      ...{ source: 'linux', image: 'own', kernel: 'https://example.org/vmlinuz', arch: 'arm64' },
      ...{ initrds: 'https://example.org/a.gz\nhttps://example.org/b.gz', args: 'quiet console=ttyS0' },
    })
    expect(linux.status).toBe(303)
    const [second, first] = await listImports(opened.db, {}, 2)
    expect(first?.plan).toMatchObject({ kind: 'url', url: 'https://example.org/a.iso', draft: false })
    expect(second?.plan).toMatchObject({
      linux: {
        ...{ arch: 'arm64', args: ['quiet', 'console=ttyS0'], kernel: { url: 'https://example.org/vmlinuz' } },
        initrds: [{ url: 'https://example.org/a.gz' }, { url: 'https://example.org/b.gz' }],
      },
    })
    const refused = await visit({ source: 'url', url: 'https://example.org/"><script>alert(1)</script>.qcow2' })
    expect(refused.status).toBe(422)
    expect(refused.html).toContain('Nothing was changed.')
    expect(refused.html).toContain('value="https://example.org/&quot;&gt;')
    expect((await server.visit('viewer', '/new/image')).status).toBe(403)
  })

  describe.runIf(hasChromium())('in a browser', () => {
    const receivedBytes = async (page: Page) => {
      const { items } = (await page.evaluate('fetch("/api/v1/uploads").then((answer) => answer.json())')) as {
        items: { receivedBytes: number }[]
      }
      return items[0]?.receivedBytes ?? 0
    }
    const arrived = (page: Page, bytes: number) =>
      expect.poll(() => receivedBytes(page).catch(() => 0), { timeout: 60_000, interval: 50 }).toBeGreaterThan(bytes)

    test('uploads 300 MB over a broken connection and a reload, and imports exactly these bytes', async () => {
      const { path, sha256 } = await writeBig('big disc.iso', sizeBytes)
      const { page, faults, close } = await openAs(
        browser,
        { ...server, url: `http://127.0.0.1:${relay.port}` },
        'operator',
      )
      await page.goto('/new/image')
      await page.locator('#upload-file').setInputFiles(path)
      await page.locator('#upload').getByLabel('Name of the image').fill('big')
      await page.getByRole('button', { name: 'Upload and import' }).click()
      await arrived(page, 40 * megabyte)
      expect(await page.locator('[data-part=pace]').textContent()).toMatch(/^\d+ % · [\d.]+ MB of 300\.0 MB/)

      isCut = true
      await expect.poll(() => page.locator('[data-part=state]').textContent(), { interval: 20 }).toBe('connection lost')
      await expectAccessible(page)
      isCut = false
      await expect.poll(() => page.locator('[data-part=state]').textContent(), { timeout: 20_000 }).toBe('uploading')
      await arrived(page, 120 * megabyte)

      await page.reload()
      const before = await receivedBytes(page)
      expect(await page.locator('table').textContent()).toMatch(/big_disc\.iso[\s\S]*of 300\.0 MB/)
      await page.locator('#upload-file').setInputFiles(path)
      expect(await page.locator('#upload').getByLabel('Name of the image').inputValue()).toBe('big')
      await page.getByRole('button', { name: 'Upload and import' }).click()
      await expect.poll(() => page.locator('[data-part=message]').textContent()).toMatch(/^Resumed at 1\d\d\.\d MB/)
      await page.getByRole('button', { name: 'Pause' }).click()
      await expect.poll(() => page.locator('[data-part=state]').textContent()).toBe('paused')
      expect(await receivedBytes(page)).toBeGreaterThanOrEqual(before)
      await page.getByRole('button', { name: 'Resume' }).click()

      await page.waitForURL('**/imports/*', { timeout: 60_000 })
      expect(await findFile(opened.db, sha256)).toMatchObject({ sizeBytes, name: 'big_disc.iso' })
      const [item] = await listImports(opened.db, { image: 'big' }, 1)
      expect(item?.plan).toMatchObject({ kind: 'file', sha256 })
      // The browser reports the connections that were cut.
      expect(faults.filter((fault) => !/net::ERR_/.test(fault))).toEqual([])
      await close()
    }, 240_000)

    test('says what the server refuses, without trying again, and deletes an unfinished upload', async () => {
      const { path } = await writeBig('small.iso', 2 * megabyte)
      const { page, close } = await openAs(browser, server, 'operator', { colorScheme: 'dark' })
      await page.goto('/new/image')
      await expectAccessible(page)
      for (const width of [360, 768, 1440]) {
        await page.setViewportSize({ width, height: 800 })
        expect([width, await page.evaluate('document.documentElement.scrollWidth > innerWidth')]).toEqual([
          width,
          false,
        ])
      }
      server.api.deps.maxFileBytes = megabyte
      await page.locator('#upload-file').setInputFiles(path)
      await page.getByRole('button', { name: 'Upload and import' }).focus()
      await page.keyboard.press('Enter')
      await expect.poll(() => page.locator('[data-part=state]').textContent()).toBe('stopped')
      expect(await page.locator('[data-part=message]').textContent()).toMatch(/1000000|1\.0 MB|too large/i)
      server.api.deps.maxFileBytes = 2 ** 30
      const body = JSON.stringify({ name: 'left.iso', sizeBytes: 100 })
      const headers = JSON.stringify({ 'content-type': 'application/json' })
      await page.evaluate(`fetch('/api/v1/uploads', { method: 'POST', headers: ${headers}, body: '${body}' })`)
      await page.reload()
      await expectAccessible(page)
      page.once('dialog', (dialog) => dialog.accept())
      await page.getByRole('button', { name: 'Delete the upload of left.iso' }).click()
      await expect.poll(() => page.getByRole('status').first().textContent()).toContain('is deleted')
      expect(await receivedBytes(page)).toBe(0)
      await close()
    })

    test('tells a browser without scripts how to upload', async () => {
      const { page, close } = await openAs(browser, server, 'operator', { javaScriptEnabled: false })
      await page.goto('/new/image')
      expect(await page.locator('#upload-plain').isVisible()).toBe(true)
      expect(await page.locator('#upload').isVisible()).toBe(false)
      await page.getByLabel('URL of an ISO').fill('https://example.org/b.iso')
      await page.getByRole('button', { name: 'Import from the URL' }).click()
      await page.waitForURL('**/imports/*')
      await close()
    })
  })
})
