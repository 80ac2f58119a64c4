import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { createToken } from '../../../src/inventory/access/tokens.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { addFile } from '../../helpers/api.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

describe('the editors of groups, menus and answer files', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser | undefined
  let token: Record<string, string>
  const ask = async (method: string, path: string, body?: unknown) =>
    (await server.api.ask(method, `/api/v1${path}`, body, token)).body
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    token = { authorization: `Bearer ${(await createToken(opened.db, 'test', 'tester')).token}` }
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await opened?.close()
  })
  const enter = async () => {
    const kernel = await addFile(server.api, 'vmlinuz', 'a kernel')
    const variants = [{ arch: 'x86_64', kind: 'linux', kernel, initrds: [], args: [] }]
    await ask('PUT', '/images/debian', { variants, installer: false })
    await saveImage(opened.db, 'rescue', { variants: [{ kind: 'local', arch: 'arm64' }] }, {}, 'tester')
    for (const [n, rack] of ['b4', 'b4', 'c1'].entries())
      await ask('PUT', `/machines/52:54:00:00:04:0${n}`, { hostname: `n${n}`, labels: { rack } })
  }
  const previewText = (page: Page) => page.locator('#preview').textContent()

  test('an empty list says what belongs there; a viewer sees no buttons, and may not save', async () => {
    for (const [path, what, right] of [
      ['/groups', 'There is no group yet', '/new/group'],
      ['/menus', 'There is no menu yet', '/new/menu'],
      ['/answer-files', 'There is no answer file yet', '/new/answer-file'],
    ] as const) {
      expect((await server.visit('operator', path)).html).toContain(what)
      expect((await server.visit('viewer', path)).html).not.toContain(right)
      for (const url of [right, `${right}/preview`])
        expect([url, (await server.visit('viewer', url, {})).status]).toEqual([url, 403])
    }
  })

  describe.runIf(hasChromium())('in a browser', () => {
    test('a group: conditions are checked and their machines shown while they are entered; it is saved and deleted', async () => {
      await enter()
      const { page, faults, close } = await openAs(browser as Browser, server, 'operator')
      await page.goto('/groups')
      await page.getByRole('button', { name: 'Create the first group' }).click()
      await expectAccessible(page)
      await page.getByLabel('Name', { exact: true }).fill('rack-b4')
      await page.getByLabel('Condition 1: fact or label').selectOption('label')
      await page.getByLabel('Condition 1: name of the label').fill('rack')
      await page.getByLabel('Condition 1: value').fill('b4')
      await page.locator('#preview', { hasText: '2 machines of 3 match' }).waitFor()
      await page.getByLabel(/^Boots/).selectOption('image')
      await page.getByLabel(/^Image/).selectOption('debian')
      await page.getByLabel('Show it for a machine').fill('n0')
      await page.locator('#preview', { hasText: 'Would boot' }).waitFor()
      expect(await previewText(page)).toMatch(/n0.*image debian version 1/s)
      await page.getByLabel('Condition 2: fact or label').selectOption('ip')
      await page.getByLabel('Condition 2: test').selectOption('cidr')
      await page.getByLabel('Condition 2: value').fill('10.0.0.0/99')
      await page.locator('#preview', { hasText: 'a subnet, 10.0.0.0/8' }).waitFor()
      await expectAccessible(page)
      await page.getByLabel('Condition 2: fact or label').selectOption('')
      await page.getByRole('button', { name: 'Create the group' }).click()
      await page.waitForURL('**/groups/rack-b4')
      await page.locator('#preview', { hasText: 'These are the same as now.' }).waitFor()
      expect(await ask('GET', '/groups/rack-b4')).toMatchObject({
        selector: [{ label: 'rack', equals: 'b4' }],
        assignment: { image: 'debian' },
      })
      await expectAccessible(page)
      await expectFits(page)

      await page.getByLabel('Name', { exact: true }).fill('root_password')
      await page.getByLabel('Value', { exact: true }).fill('  hunter2  ')
      await page.getByRole('button', { name: 'Set the secret' }).click()
      await page.getByRole('button', { name: 'Delete root_password' }).waitFor()
      expect(await page.content()).not.toContain('hunter2')

      await page.getByRole('link', { name: 'Delete…' }).click()
      await expect.poll(() => page.locator('main').textContent()).toMatch(/2 machines\s+would belong to it no longer/)
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Delete group rack-b4' }).click()
      await page.getByRole('status').filter({ hasText: 'Group rack-b4 is deleted.' }).first().waitFor()
      expect(faults).toEqual([])
      await close()
    })

    test('a menu is drawn as iPXE draws it, in 25 rows of 80 columns, and for a machine that hides an entry', async () => {
      const { page, faults, close } = await openAs(browser as Browser, server, 'operator')
      await page.goto('/new/menu')
      await page.getByLabel('Name', { exact: true }).first().fill('main')
      const entry = (n: number) => page.locator('fieldset.entry').nth(n)
      await entry(0)
        .getByLabel(/^Starts/)
        .selectOption('local')
      await entry(0).getByLabel('Text on the screen').fill('Boot the disk')
      await entry(0).getByLabel(/^Name/).fill('disk')
      await page.getByRole('button', { name: 'Another entry' }).click()
      await entry(1)
        .getByLabel(/^Starts/)
        .selectOption('image')
      await entry(1).getByLabel('Text on the screen').fill('Rescue')
      await entry(1).getByLabel(/^Name/).fill('rescue')
      await entry(1).getByLabel(/^Key/).fill('r')
      await entry(1)
        .getByLabel(/^Image/)
        .selectOption('rescue')
      await page.getByLabel('Timeout in seconds').fill('30')
      await page.getByLabel('Entry that starts then').fill('disk')
      await page.locator('#preview .selected', { hasText: '(30)' }).waitFor()
      const rows = ((await page.locator('.screen').textContent()) ?? '').split('\n').slice(0, 25)
      expect(rows.map((row) => row.length)).toEqual(Array.from({ length: 25 }, () => 80))
      expect(rows[3]).toMatch(/^ {3}Boot the disk +\(30\) {3}$/)
      await page.getByLabel('Or architecture').selectOption('arm64')
      await page.getByLabel('And firmware').selectOption('efi')
      await page.locator('#preview .screen', { hasText: 'Rescue' }).waitFor()
      await page.getByLabel('Or architecture').selectOption('x86_64')
      await page.locator('#preview', { hasText: 'Not shown on this machine' }).waitFor()
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Create the menu' }).click()
      await page.waitForURL('**/menus/main')
      expect((await ask('GET', '/menus/main')).entries).toEqual([
        { kind: 'local', name: 'disk', text: 'Boot the disk' },
        { kind: 'image', name: 'rescue', text: 'Rescue', hotkey: 'r', image: 'rescue' },
      ])
      await expectAccessible(page)
      await expectFits(page)
      await ask('PUT', '/groups/all', { everybody: true, assignment: { menu: 'main' } })
      await page.goto('/menus/main/delete')
      expect(await page.locator('main').textContent()).toContain('It cannot be deleted while it is used.')
      expect(await page.getByRole('link', { name: 'group all' }).getAttribute('href')).toBe('/groups/all')
      expect(faults).toEqual([])
      await close()
    })

    test('an answer file: faults have their line, secrets are asterisks, and an older version comes back', async () => {
      const { page, faults, close } = await openAs(browser as Browser, server, 'operator')
      await page.goto('/new/answer-file')
      await page.getByLabel('Name', { exact: true }).fill('base')
      await page.getByLabel('Document, as the installer asks for it').fill('preseed.cfg')
      const text = page.getByRole('textbox', { name: /^Text of/ })
      await text.fill('first\n{{ machine.hostname }')
      await page.locator('#preview', { hasText: 'line 2' }).waitFor()
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Create the answer file' }).click()
      await page.locator('.faults', { hasText: 'Nothing was changed.' }).waitFor()
      expect(await page.locator('#preview').textContent()).toContain('line 2')
      await text.fill('\nhost {{ machine.hostname }}\npassword {{ secrets.root }}\n')
      await page.locator('#preview', { hasText: 'no faults' }).waitFor()
      await page.getByRole('button', { name: 'Create the answer file' }).click()
      await page.waitForURL('**/answer-files/base')
      expect((await ask('GET', '/answer-files/base')).documents[0].text).toMatch(/^\nhost/)
      await ask('PUT', '/machines/52:54:00:00:04:00/secrets/root', { value: 'hunter2' })
      await page.getByLabel('For machine').fill('n0')
      await page.getByLabel('Installing image').selectOption('debian')
      await page.locator('#preview pre', { hasText: 'host n0' }).waitFor()
      expect(await previewText(page)).toContain('password ***')
      expect(await page.content()).not.toContain('hunter2')
      await expectFits(page)

      await text.fill('host {{ machine.hostname }}\n')
      await page.getByRole('button', { name: 'Save as a new version' }).click()
      await page.getByRole('status').waitFor()
      await page.getByRole('status').filter({ hasText: 'Its current version is 2.' }).first().waitFor()
      await page.getByRole('link', { name: 'Versions' }).click()
      await page.getByRole('link', { name: '1', exact: true }).click()
      await expect.poll(() => page.locator('.diff').textContent()).toContain('- password {{ secrets.root }}')
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Make version 1 current' }).click()
      await expect.poll(async () => (await ask('GET', '/answer-files/base')).version).toBe(1)
      await page.getByRole('link', { name: 'Delete…' }).click()
      await page.getByRole('button', { name: 'Delete answer file base' }).click()
      await page.getByRole('status').filter({ hasText: 'Answer file base is deleted.' }).first().waitFor()
      expect(faults).toEqual([])
      await close()
    })

    test('works without JavaScript, and in the dark', async () => {
      const { page, close } = await openAs(browser as Browser, server, 'operator', { javaScriptEnabled: false })
      await page.goto('/new/group?label=rack%3Dc1')
      await page.getByLabel('Name', { exact: true }).fill('rack-c1')
      await page.getByRole('button', { name: 'More conditions' }).click()
      await page.waitForURL('**/new/group/preview')
      await expect.poll(() => page.locator('.condition').count()).toBe(6)
      expect(await previewText(page)).toContain('1 machine of 3 matches')
      await page.getByRole('button', { name: 'Create the group' }).click()
      await page.waitForURL('**/groups/rack-c1')
      await page.getByRole('button', { name: 'Preview' }).click()
      await page.waitForURL('**/groups/rack-c1/preview')
      expect(await previewText(page)).toContain('These are the same as now.')
      await close()
      const dark = await openAs(browser as Browser, server, 'operator', { colorScheme: 'dark' })
      await ask('PUT', '/answer-files/dark', { documents: [{ name: 'ks.cfg', text: 'text' }] })
      for (const path of ['/groups', '/groups/rack-c1?machine=n2', '/menus', '/menus/main', '/answer-files/dark']) {
        await dark.page.goto(path)
        await expectAccessible(dark.page)
        await expectFits(dark.page)
      }
      expect(dark.faults).toEqual([])
      await dark.close()
    })
  })

  test.each([
    ['groups', { rows: '1', everybody: 'yes', priority: '7' }, { everybody: true, priority: 3, assignment: {} }],
    [
      'menus',
      { rows: '1', title: 'Mine', 'kind.0': 'local', 'name.0': 'disk', 'text.0': 'Disk', 'place.0': '1' },
      { title: 'Theirs', entries: [{ kind: 'local', name: 'disk', text: 'Disk' }] },
    ],
    [
      'answer-files',
      { rows: '1', title: 'Mine', 'name.0': 'ks.cfg', 'mediaType.0': 'text/plain', 'text.0': 'mine' },
      { title: 'Theirs', documents: [{ name: 'ks.cfg', text: 'theirs' }] },
    ],
  ])(
    '%s: shows what somebody else changed meanwhile, and saves over it only at the second try',
    async (noun, form, theirs) => {
      const path = `/${noun}/shared`
      const fieldsOf = (html: string) =>
        Object.fromEntries(
          ['etag', 'openedWith'].map((name) => [
            name,
            (new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '').replaceAll('&quot;', '"'),
          ]),
        )
      expect(
        (await server.visit('operator', `/new/${noun.replace(/s$/, '')}`, { ...form, name: 'shared' })).status,
      ).toBe(303)
      const again = await server.visit('operator', `/new/${noun.replace(/s$/, '')}`, { ...form, name: 'shared' })
      expect([again.status, again.html.includes('The name shared is taken.')]).toEqual([412, true])
      const before = fieldsOf((await server.visit('operator', path)).html)
      await ask('PUT', path, theirs)
      const late = { ...form, title: 'Newest', ...before }
      const refused = await server.visit('operator', path, late)
      expect([refused.status, refused.html.includes('Somebody else changed this')]).toEqual([412, true])
      expect(refused.html).toContain('token test')
      expect(refused.html).toMatch(noun === 'groups' ? /priority<\/td>.*7.*3/s : /Mine.*Theirs/s)
      const saved = await server.visit('operator', path, { ...late, ...fieldsOf(refused.html) })
      expect(saved.status).toBe(303)
      expect((await ask('GET', path)).title).toBe('Newest')
    },
  )

  test('keeps each field of a group as it is, when it is opened and saved', async () => {
    const assignment = {
      ...{ image: 'debian', everyBoot: true, args: ['a=1', 'b c'.replace(' ', '=')], withoutArgs: ['console=*'] },
      ...{
        params: { text: 'x', number: 5, digits: '5', list: [1, { a: null }] },
        proxy: 'both',
        bootProgram: 'ipxe.efi',
      },
      localBoot: { pcbios: 'sanboot', efi: { file: '\\EFI\\debian\\grubx64.efi' } },
    }
    if ((await ask('GET', '/images/debian')).name === undefined)
      await saveImage(opened.db, 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const selector = [
      { fact: 'product', in: ['a, b', 'c'] },
      { label: 'rack', in: ['b4', 'c1'] },
      { fact: 'serial', exists: false },
      { fact: 'ip', cidr: '10.0.0.0/8' },
      { fact: 'mac', prefix: '5254' },
    ]
    await ask('PUT', '/groups/round', { title: 'Round', priority: -5, selector, assignment })
    const before = await ask('GET', '/groups/round')
    const { html } = await server.visit('operator', '/groups/round')
    expect((await server.visit('operator', '/groups/round', fieldsIn(html))).status).toBe(303)
    expect(await ask('GET', '/groups/round')).toEqual(before)
  })

  test('needs at most 60 kB for a first view', async () => {
    for (const path of ['/groups/shared', '/menus/shared', '/answer-files/shared'])
      expect(await firstViewBytes(server, 'operator', path)).toBeLessThan(60_000)
  })
})

/** The fields of the editor as a browser would send them. */
function fieldsIn(html: string): Record<string, string> {
  const form = /<form[^>]*id="editor">(.*?)<\/form>/s.exec(html)?.[1] ?? ''
  const text = (raw: string) =>
    raw
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&')
  const fields: [string, string][] = []
  for (const [tag, name = ''] of form.matchAll(/<input[^>]*name="([^"]+)"[^>]*>/g)) {
    if (/type="checkbox"/.test(tag) && !/checked/.test(tag)) continue
    fields.push([name, text(/value="([^"]*)"/.exec(tag)?.[1] ?? '')])
  }
  for (const [, name = '', options = ''] of form.matchAll(/<select[^>]*name="([^"]+)"[^>]*>(.*?)<\/select>/gs)) {
    const [, attributes = '', words = ''] = /<option([^>]*) selected>(.*?)<\/option>/.exec(options) ?? []
    fields.push([name, text(/value="([^"]*)"/.exec(attributes)?.[1] ?? words)])
  }
  for (const [, name = '', value = ''] of form.matchAll(/<textarea[^>]*name="([^"]+)"[^>]*>(.*?)<\/textarea>/gs))
    fields.push([name, text(value)])
  return Object.fromEntries(fields)
}
