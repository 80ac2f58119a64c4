import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import type { FileRef, Variant } from '../../../src/model/image.ts'
import { addFile } from '../../helpers/api.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

const name = 'tool'
const here = `/images/${name}`

describe('the page of an image', () => {
  let db: Db
  let close: () => Promise<void>
  let server: PageServer
  let browser: Browser
  let kernels: FileRef[]
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
  })
  beforeEach(async () => {
    const opened = await openTestDatabase()
    db = opened.db
    server = await openPageServer(db)
    close = async () => {
      await server.close()
      await opened.close()
    }
    kernels = [
      await addFile(server.api, 'vmlinuz', 'kernel 1'),
      await addFile(server.api, 'vmlinuz', 'kernel number 2'),
    ]
    await save({ title: 'A tool', variants: [linux(0, ['quiet'])], source: 'recipe tool' })
    await save({ variants: [linux(1, ['console=ttyS0'])] })
    return close
  })
  afterAll(() => browser?.close())
  const linux = (index: number, args: string[]): Variant => ({
    ...{ kind: 'linux', arch: 'x86_64', initrds: [], args },
    kernel: kernels[index] as FileRef,
  })
  const save = (change: Parameters<typeof saveImage>[2]) => saveImage(db, name, change, {}, 'tester')
  const etagOf = (html: string) => /name="etag" value="([^"]+)"/.exec(html)?.[1]?.replaceAll('&quot;', '"') ?? ''
  const versionOf = async () =>
    Number(/Version (\d+), which machines boot now/.exec((await server.visit('viewer', here)).html)?.[1])

  test('shows versions, variants, files, arguments and uses', async () => {
    await db.execute(`insert into groups (name, selector, assignment) values ('racks', '[]', '{"image": "tool"}')`)
    const { html, status } = await server.visit('viewer', here)
    expect(status).toBe(200)
    for (const text of ['A tool', 'recipe tool', 'by hand', 'console=ttyS0', kernels[1]?.sha256, '15 B', 'group racks'])
      expect(html).toContain(text)
    expect(html).not.toContain('kernel 1')
    const first = await server.visit('viewer', `${here}?version=1`)
    expect(first.html).toContain(kernels[0]?.sha256)
    expect((await server.visit('viewer', '/images/none')).status).toBe(404)
  })

  test('rolls back after a look at the differences, and says how many machines that concerns', async () => {
    await db.execute(`insert into groups (name, selector, assignment) values ('racks', '[]', '{"image": "tool"}')`)
    const look = await server.visit('operator', `${here}/diff?from=2&to=1`)
    expect(look.html).toMatch(/removed<\/span> <code>console=ttyS0[\s\S]*added<\/span> <code>quiet/)
    expect(look.html).toContain('Roll back to version 1')
    const back = await server.visit('operator', `${here}/promote`, { version: '1', etag: etagOf(look.html) })
    expect([back.status, back.headers.get('location'), await versionOf()]).toEqual([303, here, 1])
    // The entity tag is that of before: somebody else changed the image meanwhile.
    const late = await server.visit('operator', `${here}/promote`, { version: '2', etag: etagOf(look.html) })
    expect([late.status, await versionOf()]).toEqual([412, 1])
    expect(late.html).toContain('Promote version 2')
  })

  test('changes the title, the end of life and the mark of an installer, and refuses what the API refuses', async () => {
    const etag = etagOf((await server.visit('operator', here)).html)
    const saved = await server.visit('operator', here, { etag, title: 'B', endOfLife: '2020-01-31', installer: 'yes' })
    expect(saved.status).toBe(303)
    const { html } = await server.visit('operator', here)
    expect(html).toContain('updates ended 2020-01-31')
    expect(html).toContain('it may erase the disk')
    const bad = await server.visit('operator', here, { etag: etagOf(html), title: 'x'.repeat(200), endOfLife: '' })
    expect(bad.status).toBe(422)
    expect(bad.html).toContain('Nothing was changed.')
    expect(bad.html).toContain('x'.repeat(200))
  })

  test('deletes a version, and an image only if nothing names it', async () => {
    await db.execute(`insert into groups (name, selector, assignment) values ('racks', '[]', '{"image": "tool"}')`)
    const refused = await server.visit('admin', `${here}/delete`)
    expect(refused.html).toContain('Change them first')
    expect(refused.html).not.toContain('class="danger"')
    expect((await server.visit('admin', `${here}/delete`, { etag: '*' })).status).toBe(409)
    expect((await server.visit('admin', `${here}/versions/2/delete`)).html).toContain('Promote another version first')
    const version = await server.visit('admin', `${here}/versions/1/delete`)
    const gone = await server.visit('admin', `${here}/versions/1/delete`, { etag: etagOf(version.html) })
    expect([gone.status, gone.headers.get('location')]).toEqual([303, here])
    await db.execute('delete from groups')
    const ask = await server.visit('admin', `${here}/delete`)
    expect((await server.visit('admin', `${here}/delete`, { etag: etagOf(ask.html) })).headers.get('location')).toBe(
      '/images',
    )
    expect((await server.visit('admin', here)).status).toBe(404)
  })

  test('lets each role do what it may', async () => {
    const forms = (html: string) => [...html.matchAll(/<form(?![^>]*sign-out)[^>]*method="post"/g)].length
    expect(forms((await server.visit('viewer', here)).html)).toBe(0)
    expect(forms((await server.visit('viewer', `${here}/diff?from=2&to=1`)).html)).toBe(0)
    expect((await server.visit('operator', here)).html).not.toContain('/delete')
    for (const path of ['', '/promote', '/verify'])
      expect((await server.visit('viewer', `${here}${path}`, { version: '1' })).status).toBe(403)
    for (const path of ['/delete', '/versions/1/delete'])
      expect((await server.visit('operator', `${here}${path}`, { etag: '*' })).status).toBe(403)
  })

  test('shows hostile values as text, and an image whose name is that of another page', async () => {
    const hostile = '"><script>alert(1)</script>'
    await save({ title: hostile, source: hostile, variants: [linux(1, ['<script>alert(2)</script>'])] })
    for (const path of [here, `${here}/diff?from=2&to=3`, `${here}?version=3`])
      expect((await server.visit('operator', path)).html).not.toContain('<script>alert')
    await saveImage(db, 'new', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    expect((await server.visit('viewer', '/images')).html).toContain('href="/images/new"')
    expect((await server.visit('viewer', '/images/new')).html).toContain('<h1>new</h1>')
  })

  test('verifies the files without a script', async () => {
    const { headers } = await server.visit('operator', `${here}/verify`, { x: '1' })
    expect(decodeURIComponent(headers.get('set-cookie') ?? '')).toContain('2 files verified. None is corrupted.')
  })

  test.runIf(hasChromium())(
    'verifies in a browser, and promotes with the keyboard on a phone in the dark',
    async () => {
      const sha256 = kernels[1]?.sha256 ?? ''
      await writeFile(join(server.api.folder, sha256.slice(0, 2), sha256), 'kernel mumber 2')
      const { page, faults, close: leave } = await openAs(browser, server, 'operator', { colorScheme: 'dark' })
      await page.goto(here)
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Verify the files' }).click()
      await expect.poll(() => page.locator('.verify [role=status]').textContent()).toContain('1 wrong')
      await page.reload()
      expect(await page.locator('.marks').textContent()).toContain('1 file corrupted')
      for (const width of [360, 768, 1440]) {
        await page.setViewportSize({ width, height: 800 })
        expect([width, await page.evaluate('document.documentElement.scrollWidth > innerWidth')]).toEqual([
          width,
          false,
        ])
      }
      await page.getByRole('link', { name: 'Roll back… version 1' }).focus()
      await page.keyboard.press('Enter')
      await page.waitForURL('**/diff?*')
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Roll back to version 1' }).focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(`**${here}`)
      await page.getByRole('status').filter({ hasText: 'Version 1 of tool is current' }).first().waitFor()
      await expectAccessible(page)
      expect(faults).toEqual([])
      await leave()
    },
  )
})
