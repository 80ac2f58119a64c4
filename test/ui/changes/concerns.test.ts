import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Machine } from '../../../src/api/schemas/machines/machine.ts'
import { operator } from '../../../src/auth/principal.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type ApiClient, createApiClient } from '../../../src/ui/http/client.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { macOfFleet } from '../../helpers/fleet.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

const menu = { title: 'Main', entries: [{ kind: 'local', name: 'disk', text: 'Disk' }] }

describe('how many machines a change concerns', () => {
  let opened: OpenDb
  let server: PageServer
  let api: ApiClient
  let browser: Browser | undefined
  let ids: string[]
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    api = createApiClient(server.deps.fetch, { ...operator, role: 'admin' })
    for (const archs of [['x86_64'], ['x86_64', 'arm64']] as const)
      await saveImage(opened.db, 'tool', { variants: archs.map((arch) => ({ kind: 'local', arch })) }, {}, 'tester')
    ids = []
    // Three machines boot the image by their group, one is pinned, and two have only the policy.
    for (let n = 0; n < 6; n++) {
      const labels = n < 3 ? { rack: 'b4' } : {}
      const assignment = n === 3 ? { image: 'tool', version: 1 } : null
      const body = { hostname: `n${n}`, labels, assignment }
      ids.push((await api.ask<Machine>('PUT', `/machines/${macOfFleet(n)}`, body)).id)
    }
    await api.ask('PUT', '/groups/racks', {
      selector: [{ label: 'rack', equals: 'b4' }],
      assignment: { image: 'tool' },
    })
    await api.ask('PUT', '/menus/main', menu)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await opened?.close()
  })
  const text = (html: string) => html.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ')
  const fieldsIn = (html: string) =>
    Object.fromEntries(
      ['etag', 'openedWith'].map((name) => [
        name,
        (new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '').replaceAll('&quot;', '"'),
      ]),
    )
  const noticeOf = ({ headers }: { headers: Headers }) => decodeURIComponent(headers.get('set-cookie') ?? '')
  const visit = (path: string, form?: Record<string, string>) => server.visit('admin', path, form)

  test('a promotion says it before and after, and the second of two people changes nothing', async () => {
    const diff = '/images/tool/diff?from=2&to=1'
    const look = await visit(diff)
    expect(text(look.html)).toContain('3 machines boot something else from the next network boot on: Now Then Machines')
    expect(text(look.html)).toContain('image tool version 2 image tool version 1 3')
    const form = { version: '1', ...fieldsIn(look.html) }
    const first = await server.visit('operator', '/images/tool/promote', form)
    expect(noticeOf(first)).toContain(
      'Version 1 of tool is current. 3 machines boot something else from the next network boot on.',
    )
    await saveImage(opened.db, 'tool', { variants: [{ kind: 'local', arch: 'i386' }], draft: true }, {}, 'tester')
    const second = await visit('/images/tool/promote', { ...form, version: '3' })
    expect(second.status).toBe(412)
    expect(text(second.html)).toContain('Nothing was changed. Somebody else changed this image')
    expect(text(second.html)).toContain('Version 1 is current now.')
    expect(text(second.html)).toMatch(/person operator-\d+.*version 2 1/)
    expect(await api.ask('GET', '/images/tool')).toMatchObject({ version: 1 })
    const again = await visit('/images/tool/promote', { version: '3', ...fieldsIn(second.html) })
    expect([again.status, await api.ask('GET', '/images/tool')]).toMatchObject([303, { version: 3 }])
    await visit('/images/tool/promote', { version: '2', etag: '*' })
  })

  test('a viewer sees the differences, without the count and the button', async () => {
    const { html } = await server.visit('viewer', '/images/tool/diff?from=2&to=1')
    expect(html).toContain('version 2 and version 1')
    expect(html).not.toContain('boot something else')
    expect(html).not.toContain('/images/tool/promote')
  })

  test('a group, a menu and an answer file say it after they are saved', async () => {
    const { html } = await visit('/groups/racks')
    const conditions = { rows: '1', 'what.0': 'label', 'label.0': 'rack', 'test.0': 'equals', 'value.0': 'b4' }
    const local = { ...conditions, choice: 'local', ...fieldsIn(html) }
    expect(noticeOf(await visit('/groups/racks', local))).toContain(
      'Group racks is saved. 3 machines boot something else from the next network boot on.',
    )
    const changed = { ...conditions, choice: 'image', image: 'tool', ...fieldsIn((await visit('/groups/racks')).html) }
    expect(noticeOf(await visit('/groups/racks', changed))).toContain('3 machines boot something else')
    const file = { name: 'base', rows: '1', 'name.0': 'ks.cfg', 'mediaType.0': 'text/plain', 'text.0': 'text' }
    expect(noticeOf(await visit('/new/answer-file', file))).toContain('No machine boots anything else.')
  })

  test('a menu counts in its preview, and a live preview of each key does not', async () => {
    await api.ask('PATCH', `/machines/${ids[4]}`, { assignment: { menu: 'main' } })
    const { html } = await visit('/menus/main')
    const entry = { rows: '1', title: 'Other', 'kind.0': 'local', 'name.0': 'disk', 'text.0': 'Disk', 'place.0': '1' }
    expect(text((await visit('/menus/main/preview', entry)).html)).not.toContain('1 machine boots')
    for (const path of ['/menus/main/preview?count=yes', '/menus/main/preview'])
      expect(text((await visit(path, { ...entry, count: 'yes' })).html)).toContain('1 machine boots something else')
    expect(noticeOf(await visit('/menus/main', { ...entry, ...fieldsIn(html) }))).toContain(
      'Menu main is saved. 1 machine boots something else',
    )
    await api.ask('PATCH', `/machines/${ids[4]}`, { assignment: null })
  })

  test('the policy says it before and after, and names who was first', async () => {
    const { html } = await visit('/setup/policy')
    const form = { kind: 'menu', menu: 'main', ...fieldsIn(html) }
    const preview = await visit('/setup/policy/preview', form)
    expect(text(preview.html)).toContain('2 machines boot something else from the next network boot on')
    expect(await api.ask('GET', '/policy')).toEqual({ kind: 'local' })
    expect(noticeOf(await visit('/setup/policy', form))).toContain('2 machines boot something else')
    const second = await visit('/setup/policy', { ...form, kind: 'wait' })
    expect([second.status, await api.ask('GET', '/policy')]).toEqual([412, { kind: 'menu', menu: 'main' }])
    expect(text(second.html)).toMatch(/Nothing was changed\..*person admin-\d+.*kind local menu/)
    const again = await visit('/setup/policy', { kind: 'local', ...fieldsIn(second.html) })
    expect([again.status, await api.ask('GET', '/policy')]).toEqual([303, { kind: 'local' }])
    expect((await server.visit('operator', '/setup/policy/preview', form)).status).toBe(403)
    expect((await visit('/setup/policy/preview', { kind: 'menu', menu: 'gone' })).html).toContain('Not yet complete')
  })

  test('a machine says what it boots before and after, and what somebody else changed', async () => {
    const path = `/machines/${ids[5]}`
    const { html } = await visit(path)
    const form = { what: 'image', image: 'tool', ...fieldsIn(html) }
    const preview = await visit(`${path}/preview`, form)
    expect(text(preview.html)).toMatch(/1 machine boots something else.*local disk.*image tool version 2/)
    expect(noticeOf(await visit(path, form))).toContain(
      'From its next network boot on, the machine boots image tool version 2',
    )
    const late = await visit(path, { ...form, what: 'local' })
    expect(late.status).toBe(412)
    expect(text(late.html)).toMatch(/Somebody else changed this.*person admin-\d+.*assignment\.image tool/)
    const same = await visit(path, { ...form, ...fieldsIn(late.html) })
    expect(noticeOf(same)).toContain('The machine boots the same as before.')
    await api.ask('PATCH', path, { assignment: null })
  })

  test('an action on many machines says it before and after', async () => {
    const form = { action: 'assign', all: 'yes', filter: 'label=rack%3Db4', what: 'local' }
    const preview = await visit('/machines/actions', { ...form, step: 'preview' })
    expect(text(preview.html)).toContain('3 machines boot something else from the next network boot on')
    const done = await visit('/machines/actions', { ...form, step: 'apply', expect: '3' })
    expect(text(done.html)).toContain('3 machines boot something else from the next network boot on')
    await visit('/machines/actions', { ...form, what: 'nothing', step: 'apply', expect: '3' })
  })

  describe.runIf(hasChromium())('in a browser', () => {
    const concerns = (page: Page, words: string) => page.locator('#concerns', { hasText: words }).waitFor()

    test('counts while a person changes the policy, a menu and a machine', async () => {
      const { page, faults, close } = await openAs(browser as Browser, server, 'admin')
      await page.goto('/setup/policy')
      await page.getByLabel('waits').check()
      await concerns(page, '2 machines boot something else')
      await expectAccessible(page)
      await expectFits(page)
      await page.goto(`/machines/${ids[4]}`)
      await page.locator('#change > summary').click()
      await page.getByLabel('a menu').check()
      await concerns(page, 'menu main')
      await expectAccessible(page)
      await expectFits(page)
      await page.goto('/menus/main')
      await page.getByLabel('Title on the screen').fill('Another')
      await page.getByLabel('Timeout in seconds').focus()
      await concerns(page, 'No machine boots anything else')
      await expectAccessible(page)
      await expectFits(page)
      await page.goto('/images/tool/diff?from=2&to=1')
      await expectAccessible(page)
      await expectFits(page)
      expect(faults).toEqual([])
      await close()
    })

    test('counts without JavaScript', async () => {
      const { page, close } = await openAs(browser as Browser, server, 'admin', { javaScriptEnabled: false })
      await page.goto('/setup/policy')
      await page.getByLabel('waits').check()
      await page.getByRole('button', { name: 'Preview' }).click()
      await concerns(page, '2 machines boot something else')
      expect(await page.getByLabel('waits').isChecked()).toBe(true)
      await page.getByRole('button', { name: 'Save the policy' }).click()
      await page.getByRole('status').filter({ hasText: '2 machines boot something else' }).first().waitFor()
      await close()
      await api.ask('PUT', '/policy', { kind: 'local' })
    })
  })

  test('needs at most 60 kB for a first view', async () => {
    for (const path of ['/images/tool/diff?from=2&to=1', '/setup/policy', `/machines/${ids[0]}`])
      expect([path, await firstViewBytes(server, 'admin', path)]).toEqual([path, expect.toSatisfy((n) => n < 60_000)])
  })
})
