import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Machine } from '../../../src/api/schemas/machines/machine.ts'
import { operator } from '../../../src/auth/principal.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { type ApiClient, createApiClient } from '../../../src/ui/http/client.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'
import { payload } from '../../helpers/hostile.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

const macOf = (n: number) => `52:54:00:00:5c:0${n}`
const limits = { max: 10, maxPerAddress: 10 }
const hostile = payload.slice(0, 60)

describe('machines of other inventories', () => {
  let opened: OpenDb
  let server: PageServer
  let api: ApiClient
  let browser: Browser | undefined
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    api = createApiClient(server.deps.fetch, { ...operator, role: 'admin' })
    await sync('cmdb', [
      { externalId: 'SRV-1', mac: macOf(1), hostname: 'web1', serial: 'S1', product: 'Old', labels: { rack: 'b4' } },
      { externalId: 'srv-2', mac: macOf(2), hostname: 'web2' },
      { externalId: 'srv-3', hostname: 'web3', expectedBy: '2020-01-31', product: 'R740' },
      { externalId: hostile, expectedBy: '2199-01-31' },
    ])
    await sync('dcim', [{ externalId: 'srv-2', mac: macOf(2), labels: { site: 'ulm' } }])
    await api.ask('PUT', `/machines/${macOf(4)}`, { hostname: 'web4' })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await opened?.close()
  })
  const sync = (owner: string, rows: object[]) =>
    api.upload(
      'POST',
      `/machines/sync?owner=${owner}`,
      rows.map((row) => JSON.stringify(row)).join('\n'),
      'application/x-ndjson',
    )
  const get = async (path: string, role: 'viewer' | 'operator' = 'operator') => {
    const { status, html } = await server.visit(role, path)
    expect([path, status]).toEqual([path, 200])
    return html
  }
  const machine = (name: string) => api.ask<Machine>('GET', `/machines/${name}`)
  const namesIn = (html: string) =>
    [...html.matchAll(/<a href="\/machines\/[0-9a-f-]{36}"><bdi>([^<]*)</g)].map(([, name]) => name).sort()
  const text = (html: string) =>
    html
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .replaceAll(/ ([,.:])/g, '$1')

  test.each([
    ['owner=dcim', ['web2']],
    ['externalId=srv-2', ['web2']],
    ['owner=dcim&externalId=SRV-1', []],
    ['owner=cmdb&externalId=SRV-1', ['web1']],
    ['q=srv-1', ['web1']],
    ['q=rv-2', ['web2']],
    ['q=rv_2', []],
  ])('the list is filtered by %s', async (query, names) => {
    const html = await get(`/machines?${query}`)
    expect(namesIn(html)).toEqual(names)
  })

  test('the list says the same as a command, and refuses an owner that is not a name', async () => {
    const html = await get('/machines?owner=cmdb&externalId=srv-2')
    expect(html).toContain('bootwright machine list --owner cmdb --external-id srv-2')
    expect((await server.visit('operator', '/machines?owner=A%20B')).status).toBe(422)
  })

  test('an action and a deployment choose the machines of an owner', async () => {
    const form = { action: 'labels', all: 'yes', filter: 'owner=dcim', labels: 'row=2', step: 'preview' }
    expect((await server.visit('operator', '/machines/actions', form)).html).toContain('<strong>1 machine</strong>')
    const { headers } = await server.visit('operator', '/machines/actions', { ...form, action: 'rollout' })
    expect(headers.get('location')).toBe('/new/rollout?owner=dcim')
  })

  test('the form of a machine says who set each field, and what a person changes becomes the person’s', async () => {
    const { id } = await machine('web2')
    const html = await get(`/machines/${id}`)
    expect(html).toContain('Host name (set by cmdb)')
    expect(html).toContain('Labels, one a line (site set by dcim)')
    expect(text(html)).toContain('belong to cmdb, dcim or to a person. If you change a field, it becomes yours')
    const etag = (/name="etag" value="([^"]*)"/.exec(html)?.[1] ?? '').replaceAll('&quot;', '"')
    await server.visit('operator', `/machines/${id}`, { etag, hostname: 'mine' })
    await sync('cmdb', [{ externalId: 'srv-2', hostname: 'web2' }])
    expect(await get(`/machines/${id}`)).toMatch(/Host name \(set by person operator-\d+\)/)
    expect((await machine('mine')).id).toBe(id)
    await api.ask('PATCH', `/machines/${id}`, { hostname: 'web2' })
    expect(await get(`/machines/${(await machine('web4')).id}`)).not.toContain('becomes yours')
  })

  test('a machine is archived on its page, found among the archived, and restored', async () => {
    const { id } = await machine('web1')
    expect(await get(`/machines/${id}`)).toContain(`action="/machines/${id}/archive"`)
    expect((await server.visit('viewer', `/machines/${id}/archive`, {})).status).toBe(403)
    const done = await server.visit('operator', `/machines/${id}/archive`, {})
    expect([done.status, done.headers.get('location')]).toEqual([303, '/machines/archived'])
    const list = text(await get('/machines/archived'))
    expect(list).toMatch(/web1 .* ago archived by a person by person operator-\d+ cmdb SRV-1 Old S1/)
    expect(namesIn(await get('/machines/archived?q=SRV-1'))).toEqual(['web1'])
    expect(await get('/machines/archived?q=nothing')).toContain('No archived machine matches.')
    const page = await get(`/machines/${id}`)
    expect(page).toContain('<span class="badge warn">archived</span>')
    expect(text(page)).toMatch(/out of use since .*archived by a person, by person operator-\d+/)
    expect(await get(`/machines/${id}`, 'viewer')).not.toContain('Restore</button>')

    await recordDiscovered(opened.db, { mac: macOf(1) }, limits)
    expect(text(await get('/machines/archived'))).toContain('its machine web1 is archived BW-ARCHIVED-BOOTS')
    const back = await server.visit('operator', `/machines/archived/${id}/restore`, {})
    expect([back.status, back.headers.get('location')]).toEqual([303, `/machines/${id}`])
    expect((await machine('web1')).labels).toEqual({ rack: 'b4' })
    expect((await server.visit('operator', `/machines/archived/${id}/restore`, {})).status).toBe(404)
    expect((await server.visit('operator', '/machines/01a21fa2-f15c-75d6-86a2-090107ab7a52')).status).toBe(404)
  })

  test('an archived machine is deleted before its time', async () => {
    const { id } = await machine('web4')
    await server.visit('operator', `/machines/${id}/archive`, {})
    expect((await server.visit('operator', `/machines/archived/${id}/delete`, {})).status).toBe(303)
    expect((await server.visit('operator', `/machines/${id}`)).status).toBe(404)
    await api.ask('PUT', `/machines/${macOf(4)}`, { hostname: 'web4' })
  })

  test('expected machines are listed until they arrive, late ones are marked, and differences are named', async () => {
    const html = await get('/machines/expected')
    expect(html).not.toContain(hostile)
    expect(text(html)).toContain('1 machine is late.')
    expect(text(html)).toMatch(/web3 2020-01-31 late R740 cmdb srv-3/)
    expect(html).toContain('2199-01-31')
    expect(text(await get('/machines?q=web3'))).toContain('late by 2020-01-31')
    await recordDiscovered(opened.db, { mac: macOf(7), serial: 'S1', product: 'New' }, limits)
    const after = text(await get('/machines/expected'))
    expect(after).toContain('which has the serial of web1, reports product New instead of Old BW-EXPECTED-OTHER')
    expect(after).toContain('1 machine arrived that no inventory names')
    await api.ask('PATCH', '/machines/web3', { expectedBy: null })
    expect(text(await get('/machines/expected'))).not.toContain('web3')
  })

  describe.runIf(hasChromium())('in a browser', () => {
    test.each([true, false])('archives and restores, with JavaScript: %s', async (javaScriptEnabled) => {
      const { page, faults, close } = await openAs(browser as Browser, server, 'operator', { javaScriptEnabled })
      await page.goto(`/machines/${(await machine('web4')).id}`)
      await page.getByText('Archive…').click()
      await page.getByRole('button', { name: 'Archive the machine' }).click()
      await page.getByRole('status').filter({ hasText: 'Machine web4 is archived.' }).first().waitFor()
      if (javaScriptEnabled) await expectAccessible(page)
      await expectFits(page)
      await page.getByRole('link', { name: 'web4' }).click()
      await page.getByRole('heading', { name: 'web4 archived' }).waitFor()
      if (javaScriptEnabled) await expectAccessible(page)
      await expectFits(page)
      await page.getByRole('button', { name: 'Restore' }).click()
      await page.getByRole('status').filter({ hasText: 'Restored.' }).first().waitFor()
      expect(faults).toEqual([])
      await close()
    })

    test('shows the lists and the form to everybody, in the dark and on a phone', async () => {
      const { page, faults, close } = await openAs(browser as Browser, server, 'operator', { colorScheme: 'dark' })
      await page.goto('/machines')
      await page.getByLabel('External id').fill('srv-2')
      await expect.poll(() => page.locator('#rows > tr').count()).toBe(1)
      await expectAccessible(page)
      await expectFits(page)
      await page.getByRole('link', { name: 'Expected' }).click()
      await page.getByRole('heading', { name: 'Expected machines' }).waitFor()
      await expectAccessible(page)
      await expectFits(page)
      await page.goto(`/machines/${(await machine('web2')).id}`)
      await page.locator('#change > summary').click()
      await expectAccessible(page)
      await expectFits(page)
      expect(faults).toEqual([])
      await close()
    })
  })

  test('needs at most 60 kB for a first view', async () => {
    for (const path of ['/machines', '/machines/archived', '/machines/expected'])
      expect([path, await firstViewBytes(server, 'operator', path)]).toEqual([
        path,
        expect.toSatisfy((n) => n < 60_000),
      ])
  })
})
