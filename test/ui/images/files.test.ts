import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { addFile } from '../../helpers/api.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

const sha256 = 'ab12'.repeat(16)

describe('the pages of stored files and boot programs', () => {
  let opened: OpenDb
  let server: PageServer
  beforeAll(async () => {
    opened = await openTestDatabase()
    const snponly = { name: 'snponly.efi', version: '1.21.1', builtFor: 'x86_64' as const, sha256 }
    const nbps = new Map([
      ['snponly.efi', { ...snponly, bytes: new Uint8Array(180_000) }],
      ['undionly.kpxe', { name: 'undionly.kpxe' }],
    ])
    server = await openPageServer(opened.db, { nbps })
  })
  afterAll(async () => {
    await server.close()
    await opened.close()
  })

  test('name each boot program with its firmware, those that are chosen but absent, and the missing ones', async () => {
    await opened.db.execute(
      `insert into groups (name, selector, assignment) values ('arm', '[]', '{"bootProgram": "ipxe-arm64.efi"}')`,
    )
    const { html } = await server.visit('viewer', '/boot-programs')
    const row = /<code>snponly\.efi<\/code>[\s\S]*?<\/tr>/.exec(html)?.[0] ?? ''
    for (const text of ['1.21.1', 'UEFI x86_64', '180.0 kB', sha256, 'UEFI x86-64', 'option 93 = 7'])
      expect(row).toContain(text)
    expect(html).toMatch(/ipxe-arm64\.efi<\/code> is chosen by <a href="\/groups\/arm">group arm/)
    expect(html).toMatch(/UEFI arm64[\s\S]*?Add <code>/)
  })

  test('find unused files, delete them after a look, and keep those of images', async () => {
    const [used, unused] = [
      await addFile(server.api, 'vmlinuz', 'used'),
      await addFile(server.api, 'old.iso', 'unused'),
    ]
    const variants = [{ kind: 'ipxe' as const, arch: 'x86_64' as const, file: used }]
    await saveImage(opened.db, 'tool', { variants }, {}, 'tester')
    await opened.db.execute(`update files set created_at = now() - interval '2 days'`)
    const found = await server.visit('admin', '/files/unused', { x: '1' })
    expect(found.html).toContain('1 unused file, 6 B')
    expect((await server.visit('viewer', '/files')).html).toContain(unused.sha256)
    const cleared = await server.visit('admin', '/files/clear', { x: '1' })
    expect([cleared.status, cleared.headers.get('location')]).toEqual([303, '/files'])
    const { html } = await server.visit('admin', '/files')
    expect([html.includes(used.sha256), html.includes(unused.sha256)]).toEqual([true, false])
    for (const path of ['/files/unused', '/files/clear'])
      expect((await server.visit('operator', path, { x: '1' })).status).toBe(403)
    expect((await server.visit('operator', '/files')).html).not.toContain('/files/unused')
  })

  test.runIf(hasChromium())('are accessible, fit a phone, and verify all files with progress', async () => {
    await addFile(server.api, 'vmlinuz', 'used')
    const browser = await openBrowser()
    const { page, faults, close } = await openAs(browser, server, 'admin', { colorScheme: 'dark' })
    for (const path of ['/boot-programs', '/files']) {
      await page.goto(path)
      await expectAccessible(page)
      for (const width of [360, 768, 1440]) {
        await page.setViewportSize({ width, height: 800 })
        expect([width, await page.evaluate('document.documentElement.scrollWidth > innerWidth')]).toEqual([
          width,
          false,
        ])
      }
    }
    await page.getByRole('button', { name: 'Verify all files' }).click()
    await expect.poll(() => page.locator('.verify [role=status]').textContent()).toMatch(/files verified\. None/)
    expect(faults).toEqual([])
    await close()
    await browser.close()
  })
})
