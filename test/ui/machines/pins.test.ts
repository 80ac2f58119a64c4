import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Machine } from '../../../src/api/schemas/machines/machine.ts'
import { operator } from '../../../src/auth/principal.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type ApiClient, createApiClient } from '../../../src/ui/http/client.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { expectFits } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

describe('a pinned version in a form', () => {
  let opened: OpenDb
  let server: PageServer
  let api: ApiClient
  let browser: Browser | undefined
  let machine: Machine
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    api = createApiClient(server.deps.fetch, { ...operator, role: 'admin' })
    for (const archs of [['x86_64'], ['x86_64', 'arm64']] as const)
      await saveImage(opened.db, 'tool', { variants: archs.map((arch) => ({ kind: 'local', arch })) }, {}, 'tester')
    machine = await api.ask<Machine>('PUT', '/machines/52:54:00:00:5d:01', { hostname: 'pin1' })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await opened?.close()
  })

  const pin = (version: string) => ({ image: 'tool', version })
  const entry = { rows: '1', title: 'M', 'kind.0': 'image', 'name.0': 'tool', 'text.0': 'Tool', 'place.0': '1' }
  const group = { rows: '1', 'what.0': 'label', 'label.0': 'rack', 'test.0': 'exists', choice: 'image' }
  /** Each form with the place of its pin in the API. */
  const forms: [string, (version: string) => [string, Record<string, string>], () => Promise<unknown>][] = [
    [
      'a machine',
      (version) => [`/machines/${machine.id}`, { what: 'image', ...pin(version) }],
      async () => (await api.ask<Machine>('GET', `/machines/${machine.id}`)).assignment,
    ],
    [
      'a group',
      (version) => ['/new/group', { name: `g${version}`, ...group, ...pin(version) }],
      async () => (await api.ask<{ assignment: object }>('GET', '/groups/g1')).assignment,
    ],
    [
      'an entry of a menu',
      (version) => ['/new/menu', { name: `m${version}`, ...entry, 'image.0': 'tool', 'version.0': version }],
      async () => (await api.ask<{ entries: object[] }>('GET', '/menus/m1')).entries[0],
    ],
    ['the policy', (version) => ['/setup/policy', { kind: 'image', ...pin(version) }], () => api.ask('GET', '/policy')],
  ]

  test.each(forms)(
    'of %s is refused at the field with the versions that exist, and saved if it exists',
    async (_, form, saved) => {
      for (const [version, expected] of [
        ['7', 'expected a version of image tool: 2, 1'],
        ['latest', 'expected '],
      ] as const) {
        const [path, fields] = form(version)
        const { status, html } = await server.visit('admin', path, fields)
        const field =
          /<input name="version(?:\.0)?"[^>]*aria-invalid="true" aria-describedby="([^"]*)"[^>]*> <small id="([^"]*)">([^<]*)/.exec(
            html,
          )
        expect([status, field?.[1] === field?.[2], field?.[3]]).toEqual([422, true, expect.stringContaining(expected)])
        expect(html).toContain(`value="${version}" aria-invalid`)
      }
      await api.ask('PATCH', `/machines/${machine.id}`, { assignment: null })
      const [path, fields] = form('1')
      expect((await server.visit('admin', path, fields)).status).toBeLessThan(400)
      expect(await saved()).toMatchObject({ image: 'tool', version: 1 })
    },
  )

  test('of many machines is refused for each, with the versions that exist', async () => {
    const form = { action: 'assign', ids: machine.id, what: 'image', ...pin('7'), step: 'preview' }
    const { html } = await server.visit('operator', '/machines/actions', form)
    expect(html).toContain('assignment.version: expected a version of image tool: 2, 1')
    expect((await server.visit('operator', '/machines/actions', { ...form, version: 'latest' })).html).toContain(
      'aria-invalid="true"',
    )
  })

  test('of a machine whose version is the current one is not pinned', async () => {
    await server.visit('operator', `/machines/${machine.id}`, { what: 'image', ...pin('') })
    expect((await api.ask<Machine>('GET', `/machines/${machine.id}`)).assignment).toEqual({ image: 'tool' })
  })

  test.runIf(hasChromium())('is marked in a browser, also while a person types', async () => {
    const { page, faults, close } = await openAs(browser as Browser, server, 'operator')
    await page.goto(`/machines/${machine.id}`)
    await page.locator('#change > summary').click()
    await page.getByLabel('an image, at every boot').check()
    await page.getByLabel('Pinned version').fill('9')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByLabel('Pinned version').and(page.locator('[aria-invalid]')).waitFor()
    await expectAccessible(page)
    await expectFits(page)
    await page.goto('/new/group')
    await page.getByLabel(/^Boots/).selectOption('image')
    await page.getByLabel(/^Image/).selectOption('tool')
    await page.getByLabel('Pinned version').fill('9')
    await page.getByLabel('every machine, without conditions').check()
    await page.locator('#preview', { hasText: 'expected a version of image tool: 2, 1, got “9”' }).waitFor()
    await expectAccessible(page)
    expect(faults).toEqual([])
    await close()
  })
})
