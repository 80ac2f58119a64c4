import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Machine, MachineList } from '../../../src/api/schemas/machines/machine.ts'
import { operator } from '../../../src/auth/principal.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type ApiClient, createApiClient } from '../../../src/ui/http/client.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

const path = '/machines/actions'

describe('acting on many machines', () => {
  let opened: OpenDb
  let server: PageServer
  let api: ApiClient
  let browser: Browser
  let ids: string[]
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    api = createApiClient(server.deps.fetch, operator)
    await saveImage(opened.db, 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
  })
  beforeEach(async () => {
    const { items } = await api.ask<MachineList>('GET', '/machines')
    for (const { id } of items) await api.ask('DELETE', `/machines/${id}?cancelDeployment=true`)
    ids = []
    for (const n of [1, 2, 3]) {
      const body = { hostname: `web${n}`, labels: { rack: n === 3 ? 'b5' : 'b4' } }
      ids.push((await api.ask<Machine>('PUT', `/machines/52:54:00:00:0b:0${n}`, body)).id)
    }
  })
  afterAll(async () => {
    await browser?.close()
    await server.close()
    await opened.close()
  })
  const act = (form: Record<string, string>, role: 'viewer' | 'operator' = 'operator') => server.visit(role, path, form)
  const machine = (name: string) => api.ask<Machine>('GET', `/machines/${name}`)

  test('shows what labels will change, and changes nothing before it is applied', async () => {
    const form = { action: 'labels', all: 'yes', filter: 'label=rack%3Db4', labels: 'rack=c1\nrow=' }
    const preview = await act({ ...form, step: 'preview' })
    expect(preview.status).toBe(200)
    expect(preview.html).toContain('<strong>2 machines</strong> will be changed')
    expect(preview.html).toMatch(/<del><bdi>b4<\/bdi><\/del>[\s\S]*<ins><bdi>c1<\/bdi><\/ins>/)
    expect(preview.html).toContain('bootwright machine act label --set rack=c1 --set row= --label rack=b4')
    expect((await machine('web1')).labels).toEqual({ rack: 'b4' })
    const done = await act({ ...form, step: 'apply', expect: '2' })
    expect(done.html).toContain('<h1>2 machines changed</h1>')
    expect((await machine('web2')).labels).toEqual({ rack: 'c1' })
    expect((await machine('web3')).labels).toEqual({ rack: 'b5' })
  })

  test('shows a new preview if other machines would change than those of the preview', async () => {
    const form = { action: 'deny', all: 'yes', filter: 'q=web', step: 'apply' }
    const { status, html } = await act({ ...form, expect: '2' })
    expect(status).toBe(409)
    expect(html).toContain('3 machines would change, expected 2')
    expect(html).toContain('name="expect" value="3"')
    expect((await machine('web1')).denied).toBe(false)
  })

  test.each([
    ['an image', { what: 'image', image: 'debian' }, { image: 'debian' }],
    ['the local disk', { what: 'local' }, { local: true }],
    ['nothing', { what: 'nothing' }, undefined],
  ])('assigns %s to one machine', async (_, values, assignment) => {
    await api.ask('PATCH', `/machines/${ids[0]}`, { assignment: { args: ['quiet'] } })
    await act({ action: 'assign', ids: ids[0] ?? '', ...values, step: 'apply', expect: '1' })
    const found = await machine('web1')
    expect(found.assignment).toEqual(assignment && { ...assignment, args: ['quiet'] })
  })

  test('shows the form again with what is wrong', async () => {
    const { status, html } = await act({ action: 'labels', ids: ids[0] ?? '', labels: 'Rack B=4', step: 'preview' })
    expect(status).toBe(422)
    expect(html).toContain('class="faults"')
    expect(html).toContain('Rack B=4</textarea>')
  })

  test('says so if nothing was selected', async () => {
    const { status, headers } = await act({ action: 'deny' })
    expect([status, headers.get('location')]).toEqual([303, '/machines'])
  })

  test('hands the machines to the page of deployments', async () => {
    const some = await act({ action: 'deploy', ids: ids[0] ?? '' })
    expect(some.headers.get('location')).toBe(`/new/deployment?ids=${ids[0]}`)
    const all = await act({ action: 'deploy', all: 'yes', filter: 'q=web&state=failed' })
    expect(all.headers.get('location')).toBe('/new/deployment?q=web&state=failed')
  })

  test('names the machines that are refused, with the reason', async () => {
    await api.ask('POST', '/deployments', { machine: 'web2', image: 'debian', force: true })
    const { html } = await act({ action: 'delete', all: 'yes', filter: 'q=web' })
    expect(html).toContain('<strong>2 machines</strong> will be deleted')
    expect(html).toMatch(/web2[\s\S]*the machine has an active deployment/)
  })

  test('refuses a viewer', async () => {
    expect((await act({ action: 'deny', ids: ids[0] ?? '', step: 'apply', expect: '1' }, 'viewer')).status).toBe(403)
    expect((await server.visit('viewer', '/machines/undo', { transaction: '1' })).status).toBe(403)
    expect((await machine('web1')).denied).toBe(false)
  })

  test.runIf(hasChromium()).each([true, false])(
    'deletes a selection and undoes it, in a browser with JavaScript: %s',
    async (javaScriptEnabled) => {
      const viewport = { width: 360, height: 800 }
      const options = { javaScriptEnabled, viewport, ...(javaScriptEnabled && { colorScheme: 'dark' as const }) }
      const { page, faults, close } = await openAs(browser, server, 'operator', options)
      await page.goto('/machines?q=web')
      await page.getByLabel('Select web1').check()
      await page.getByLabel('Select web3').check()
      await page.getByRole('button', { name: 'Delete…' }).click()
      if (javaScriptEnabled) await expectAccessible(page, 'preview')
      await page.getByRole('button', { name: 'Delete 2 machines' }).click()
      await expect.poll(() => page.locator('h1').textContent()).toBe('2 machines deleted')
      if (javaScriptEnabled) await expectAccessible(page, 'done')
      expect((await api.ask<MachineList>('GET', '/machines')).items).toHaveLength(1)
      await page.getByRole('button', { name: 'Undo' }).click()
      await expect.poll(() => page.locator('.notice').textContent()).toBe('Deletion undone: machines created again: 2.')
      expect((await machine('web3')).labels).toEqual({ rack: 'b5' })
      await page.getByLabel('Select web2').check()
      await page.getByRole('button', { name: 'Assign…' }).click()
      if (javaScriptEnabled) {
        await expectAccessible(page, 'assign')
        expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      }
      expect(faults).toEqual([])
      await close()
    },
  )
})
