import { gzipSync } from 'node:zlib'
import { sql } from 'drizzle-orm'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Machine, MachineList } from '../../../src/api/schemas/machines/machine.ts'
import { operator } from '../../../src/auth/principal.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type ApiClient, createApiClient } from '../../../src/ui/http/client.ts'
import { addFile } from '../../helpers/api.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'
import { recordReport } from '../../helpers/reports.ts'

const mac = '52:54:00:00:0c:01'
const ip = '192.0.2.9'
const text =
  'd-i netcfg/get_hostname string {{ machine.hostname }}\nd-i passwd/root-password password {{ secrets.root }}\n'

describe('the pages of a machine', () => {
  let opened: OpenDb
  let server: PageServer
  let api: ApiClient
  let browser: Browser
  let id: string
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    api = createApiClient(server.deps.fetch, operator)
    for (const name of ['debian', 'rescue'])
      await saveImage(opened.db, name, { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    await api.ask('PUT', '/answer-files/preseed', { documents: [{ name: 'preseed.cfg', text }] })
    const selector = [{ label: 'rack', equals: 'b4' }]
    await api.ask('PUT', '/groups/rack-b4', { priority: 10, selector, assignment: { image: 'rescue' } })
  })
  beforeEach(async () => {
    const { items } = await api.ask<MachineList>('GET', '/machines')
    for (const machine of items) await api.ask('DELETE', `/machines/${machine.id}?cancelDeployment=true`)
    const body = { hostname: 'web1', labels: { rack: 'b4' }, assignment: { image: 'debian' } }
    id = (await api.ask<Machine>('PUT', `/machines/${mac}`, body)).id
  })
  afterAll(async () => {
    await browser?.close()
    await server.close()
    await opened.close()
  })
  const get = async (path = `/machines/${id}`, role: 'viewer' | 'operator' = 'operator') => server.visit(role, path)
  const machine = () => api.ask<Machine>('GET', `/machines/${id}`)
  const assignInstaller = async () => {
    const kernel = await addFile(server.api, 'vmlinuz', 'a kernel')
    const variant = { kind: 'linux' as const, arch: 'x86_64' as const, kernel, initrds: [], args: [] }
    await saveImage(opened.db, 'installer', { variants: [variant] }, {}, 'tester')
    const assignment = { image: 'installer', answerFile: 'preseed', everyBoot: true }
    await api.ask('PATCH', `/machines/${id}`, { assignment })
  }
  const formOf = (html: string) => /name="etag" value="([^"]*)"/.exec(html)?.[1]?.replaceAll('&quot;', '"') ?? ''
  const discover = async (last: string) => {
    const facts = { mac: `52:54:00:00:0d:${last}` as never, platform: 'efi' as const, product: 'X11' }
    return (await recordDiscovered(opened.db, facts, { max: 99, maxPerAddress: 99 }))?.id ?? ''
  }

  test('say what the machine boots next, which rule decided, and why the others did not', async () => {
    const { status, html } = await get()
    expect(status).toBe(200)
    expect(html).toContain('<strong><a href="/images/debian">debian, version 1</a></strong>')
    expect(html).toMatch(
      /applies<\/span> <strong><bdi>assignment<\/bdi><\/strong>: the machine is assigned image debian/,
    )
    expect(html).toMatch(
      /<a href="\/groups\/rack-b4"><bdi>group rack-b4 [^<]*<\/bdi><\/a>: matches, and would boot image rescue, but the machine has an assignment/,
    )
    expect(html).toContain('#!ipxe')
    expect(html).toContain(`bootwright explain ${mac}`)
  })

  test('lead from a secret that an answer file lacks to the form that sets it, and to its removal', async () => {
    await assignInstaller()
    const refused = await get()
    expect(refused.html).toContain(`<code class="wrap">bootwright secret set root --machine ${mac}`)
    expect(refused.html).toMatch(/<details class="block" id="secrets" open>/)
    expect(refused.html).toContain('name="secret" value="root"')
    expect(refused.html).toContain('<li>document preseed.cfg: secrets.root is not set</li>')
    const path = `/machines/${id}/secrets`
    const wrong = await server.visit('operator', path, { secret: 'not a name', value: 'x' })
    expect(wrong.status).toBe(422)
    expect(wrong.html).toContain('name="secret" value="not a name"')
    expect((await server.visit('viewer', path, { secret: 'root', value: 'x' })).status).toBe(403)
    expect((await server.visit('operator', path, { secret: 'root', value: ' hidden ' })).status).toBe(303)
    const { html } = await get()
    expect(html).toMatch(/<a href="\/images\/installer">installer, version \d+<\/a>/)
    expect(html).not.toContain('hidden ')
    expect((await get(undefined, 'viewer')).html).not.toContain('Delete root')
    expect((await server.visit('operator', `${path}/root/delete`, {})).status).toBe(303)
    expect((await get()).html).toContain('The boot is refused')
  })

  test('show a refusal with its code and the next step', async () => {
    await api.ask('PATCH', `/machines/${id}`, { denied: true })
    const { html } = await get()
    expect(html).toMatch(/The boot is refused:<\/strong>[^<]+<a href="\/codes\/BW-[A-Z-]+">/)
    expect(html).toContain('Next step: ')
    expect(html).toContain('Allow…')
  })

  test('show what the machine went through, with the cause of a failure', async () => {
    const { token } = await openBootFor(opened.db, { mac: mac as never, platform: 'efi' }, ip)
    await recordReport(opened.db, token, 'failed', ip, 'iPXE: kernel failed, error 2d0c613b')
    const { html } = await get()
    expect(html).toContain('<span class="badge bad">failed</span>')
    expect(html).toContain('HTTP 404: no such file on the server')
    expect(html).toMatch(/<a href="\/codes\/BW-[A-Z-]+"><code>/)
    expect(html).not.toContain('hx-trigger="every 5s"')
  })

  test('save the form with the audit log, and show who changed what', async () => {
    const fields = {
      hostname: 'web9',
      labels: 'role=db',
      args: 'quiet\nsplash',
      params: 'size=12\nname="12"',
      what: 'groups',
    }
    const saved = await server.visit('operator', `/machines/${id}`, { ...fields, etag: formOf((await get()).html) })
    expect([saved.status, saved.headers.get('location')]).toEqual([303, `/machines/${id}`])
    expect(await machine()).toMatchObject({
      hostname: 'web9',
      labels: { role: 'db' },
      assignment: { args: ['quiet', 'splash'], params: { size: 12, name: '12' } },
    })
    const { html } = await get()
    expect(html).toMatch(/<bdi>person operator-\d+<\/bdi>/)
    expect(html).toMatch(/hostname: <del><bdi>web1<\/bdi><\/del> → <ins><bdi>web9<\/bdi><\/ins>/)
    expect(html).toContain('name=&quot;12&quot;\nsize=12</textarea>')
    expect((await machine()).macs).toEqual([mac])
  })

  test('do not overwrite what somebody else changed meanwhile', async () => {
    const etag = formOf((await get()).html)
    await api.ask('PATCH', `/machines/${id}`, { asset: 'IT-1' })
    const { status, html } = await server.visit('operator', `/machines/${id}`, { hostname: 'web9', asset: '', etag })
    expect(status).toBe(412)
    expect(html).toContain('value="web9"')
    expect(await machine()).toMatchObject({ hostname: 'web1', asset: 'IT-1' })
  })

  test('show the form again with what is wrong', async () => {
    const { status, html } = await server.visit('operator', `/machines/${id}`, { hostname: 'not a name' })
    expect(status).toBe(422)
    expect(html).toContain('value="not a name"')
    expect(html).toContain('class="faults"')
  })

  test('show the answer file without secrets, and only to those who may edit it', async () => {
    await assignInstaller()
    expect((await get()).html).toMatch(/secrets\.root/)
    await api.ask('PUT', `/machines/${id}/secrets/root`, { value: 'hunter2-secret' })
    const { html } = await get()
    expect(html).toContain('d-i netcfg/get_hostname string web1')
    expect(html).toMatch(/root-password password \*+/)
    expect(html).not.toContain('hunter2')
    expect((await get(undefined, 'viewer')).html).not.toContain('d-i netcfg')
  })

  test('show a viewer no forms, and refuse what a viewer sends', async () => {
    const { status, html } = await get(undefined, 'viewer')
    expect(status).toBe(200)
    expect(html).not.toMatch(/action="\/machines|name="etag"/)
    for (const path of [
      `/machines/${id}`,
      '/machines/discovered',
      '/new/machine',
      '/machines/upload',
      `/machines/${id}/merge`,
    ])
      expect([path, (await server.visit('viewer', path, { hostname: 'x' })).status]).toEqual([path, 403])
    expect((await machine()).hostname).toBe('web1')
  })

  test('say so if there is no such machine', async () => {
    expect((await get('/machines/0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f')).status).toBe(404)
    expect((await get('/machines/web1')).status).toBe(200)
  })

  test('show hostile names as text', async () => {
    const script = '"><script>alert(1)</script>'
    const body = {
      product: "'; drop table machines; --",
      serial: script,
      asset: 'אב \u202e'.trim().slice(0, 2),
      labels: { note: script },
    }
    await api.ask('PATCH', `/machines/${id}`, { ...body, assignment: { params: { note: `${script}\n</textarea>` } } })
    const { html } = await get()
    expect(html).not.toMatch(/<script>alert|<\/textarea><\/textarea>/)
    expect(html).toContain('&lt;script&gt;alert(1)')
  })

  test('enter one discovered machine with a host name, or several at once', async () => {
    const [first, second, third] = [await discover('01'), await discover('02'), await discover('03')]
    const { html } = await get('/machines/discovered')
    expect(html).toContain(`name="hostname:${first}"`)
    const one = await server.visit('operator', '/machines/discovered', {
      enter: first,
      [`hostname:${first}`]: 'node1',
      [`hostname:${second}`]: 'x',
    })
    expect(one.headers.get('location')).toBe(`/machines/${first}`)
    expect(await api.ask<Machine>('GET', `/machines/${first}`)).toMatchObject({ discovered: false, hostname: 'node1' })
    const bad = await server.visit('operator', '/machines/discovered', {
      ids: second,
      [`hostname:${second}`]: 'not a name',
    })
    expect(bad.status).toBe(422)
    expect(bad.html).toContain('value="not a name"')
    await server.visit('operator', '/machines/discovered', { ids: second, [`hostname:${second}`]: 'node2' })
    const { items } = await api.ask<MachineList>('GET', '/machines?discovered=true')
    expect(items.map((item) => item.id)).toEqual([third])
    const all = { all: 'yes', filter: 'state=discovered', action: 'enter' }
    const preview = await server.visit('operator', '/machines/actions', all)
    expect(preview.html).toContain('<strong>1 machine</strong> will be entered')
    await server.visit('operator', '/machines/actions', { ...all, step: 'apply', expect: '1' })
    expect((await api.ask<Machine>('GET', `/machines/${third}`)).discovered).toBe(false)
  })

  test('enter a machine before it boots, and say what is wrong with it', async () => {
    const bad = await server.visit('operator', '/new/machine', { hostname: 'db1' })
    expect(bad.status).toBe(422)
    expect(bad.html).toContain('value="db1"')
    const form = { macs: '52-54-00-00-0e-01\n5254.0000.0e02', hostname: 'db1', labels: 'rack=b5', image: 'debian' }
    const { headers } = await server.visit('operator', '/new/machine', form)
    const created = await api.ask<Machine>('GET', headers.get('location') ?? '')
    expect(created).toMatchObject({
      macs: ['52:54:00:00:0e:01', '52:54:00:00:0e:02'],
      ...{ hostname: 'db1', labels: { rack: 'b5' }, assignment: { image: 'debian' } },
    })
  })

  test('upload CSV after a preview, all or nothing', async () => {
    const csv = 'mac,hostname,label.rack\r\n52:54:00:00:0e:11,n1,c1\r\n52:54:00:00:0e:12,n2,c1\r\n'
    const preview = await server.visit('operator', '/machines/upload', { csv, step: 'preview' })
    expect(preview.html).toContain('2 machines will be created')
    expect(preview.html).toContain('<bdi>n1</bdi>')
    expect((await api.ask<MachineList>('GET', '/machines?label=rack%3Dc1')).items).toEqual([])
    const bad = await server.visit('operator', '/machines/upload', { csv: `${csv}nonsense,n3,c1`, step: 'apply' })
    expect(bad.status).toBe(422)
    expect(bad.html).toContain('line 4')
    const done = await server.visit('operator', '/machines/upload', { csv, step: 'apply' })
    expect(done.headers.get('location')).toBe('/machines')
    expect((await api.ask<MachineList>('GET', '/machines?label=rack%3Dc1')).items).toHaveLength(2)
  })

  test('merge another machine after a question', async () => {
    const other = await api.ask<Machine>('PUT', '/machines/52:54:00:00:0e:21', { asset: 'IT-9' })
    const asked = await server.visit('operator', `/machines/${id}/merge`, { from: other.id })
    expect(asked.html).toContain('A merge cannot be undone')
    expect((await machine()).macs).toEqual([mac])
    await server.visit('operator', `/machines/${id}/merge`, { from: other.id, confirmed: 'yes' })
    expect(await machine()).toMatchObject({ macs: [mac, '52:54:00:00:0e:21'], asset: 'IT-9' })
  })

  describe.runIf(hasChromium())('in a browser', () => {
    test.each([
      [360, 'light'],
      [768, 'dark'],
      [1440, 'light'],
    ] as const)('fit into %i pixels, and are accessible (%s)', async (width, colorScheme) => {
      const { token } = await openBootFor(opened.db, { mac: mac as never, platform: 'efi' }, ip)
      await recordReport(opened.db, token, 'failed', ip, 'iPXE: kernel failed, error 2d0c613b')
      await discover('0a')
      const { page, faults, close } = await openAs(browser, server, 'operator', {
        viewport: { width, height: 800 },
        colorScheme,
      })
      for (const path of [`/machines/${id}`, '/machines/discovered', '/new/machine', '/machines/upload']) {
        await page.goto(path)
        await page.evaluate(`document.querySelectorAll('details').forEach((part) => { part.open = true })`)
        await expectAccessible(page, path)
        expect([path, await page.evaluate('document.documentElement.scrollWidth - innerWidth')]).toEqual([path, 0])
      }
      expect(faults).toEqual([])
      await close()
    })

    test('update themselves while a boot runs', async () => {
      const { id: boot, token } = await openBootFor(opened.db, { mac: mac as never, platform: 'efi' }, ip)
      const { page, faults, close } = await openAs(browser, server, 'viewer')
      await page.goto(`/machines/${id}`)
      await expect.poll(() => page.locator('#live[hx-trigger]').count()).toBe(1)
      await recordReport(opened.db, token, 'booted', ip, 'up')
      await opened.db.execute(sql`update boots set ended_at = now() where id = ${boot}`)
      await expect.poll(() => page.locator('#live').textContent(), { timeout: 15_000 }).toContain('newest: booted')
      expect(await page.locator('#state').textContent()).toBe('booted')
      await expect.poll(() => page.locator('#live[hx-trigger]').count()).toBe(0)
      expect(faults).toEqual([])
      await close()
    })

    test('change the image without JavaScript, and with the keyboard alone', async () => {
      const { page, close } = await openAs(browser, server, 'operator', { javaScriptEnabled: false })
      await page.goto(`/machines/${id}`)
      await page.locator('#change > summary').press('Enter')
      await page.locator('select[name=image]').selectOption('rescue')
      await page.getByLabel('Host name').fill('web7')
      await page.keyboard.press('Enter')
      await page.waitForLoadState()
      expect(await page.locator('.notice').textContent()).toContain('Saved')
      expect(await machine()).toMatchObject({ hostname: 'web7', assignment: { image: 'rescue' } })
      await close()
    })

    test('fit into 60 kB with their styles and scripts', async () => {
      const { page, close } = await openAs(browser, server, 'operator')
      let bytes = 0
      page.on('response', async (response) => {
        const encoded = (await response.request().sizes()).responseBodySize
        bytes += encoded
      })
      await page.goto(`/machines/${id}`, { waitUntil: 'networkidle' })
      expect(bytes).toBeGreaterThan(10_000)
      expect(bytes).toBeLessThan(60_000)
      expect(gzipSync((await get()).html).length).toBeLessThan(12_000)
      await close()
    })
  })
})
