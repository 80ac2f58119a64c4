import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Rollout, RolloutList } from '../../../src/api/schemas/boots/rollout.ts'
import type { RolloutMachineList } from '../../../src/api/schemas/boots/rollout-machine.ts'
import type { Machine } from '../../../src/api/schemas/machines/machine.ts'
import { operator } from '../../../src/auth/principal.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { takeStep } from '../../../src/jobs/rollouts.ts'
import { type ApiClient, createApiClient } from '../../../src/ui/http/client.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { bootArmed, bootMachine, macOfFleet } from '../../helpers/fleet.ts'
import { payload } from '../../helpers/hostile.ts'
import { expectFits, firstViewBytes } from '../../helpers/page-checks.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

vi.setConfig({ testTimeout: 60_000 })

const path = '/new/rollout'

describe('starting a rollout, and rolling it back', () => {
  let opened: OpenDb
  let server: PageServer
  let api: ApiClient
  let browser: Browser | undefined
  const ids: string[] = []
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
    api = createApiClient(server.deps.fetch, operator)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await opened?.close()
  })
  beforeEach(async () => {
    for (const { id, endedAt } of await rollouts()) if (endedAt === undefined) await control(id, 'cancel')
    if (ids.length > 0) return
    expect((await server.visit('operator', path)).html).toContain('There is no image yet')
    for (const [name, archs] of [
      ['tool', ['x86_64']],
      ['tool', ['x86_64', 'arm64']],
      ['old', ['x86_64']],
    ] as const)
      await saveImage(opened.db, name, { variants: archs.map((arch) => ({ kind: 'local', arch })) }, {}, 'tester')
    for (let n = 0; n < 20; n++) {
      const labels = { rack: n < 10 ? 'b4' : 'c1' }
      const body = { hostname: `n${n}`, labels, denied: n === 3 }
      ids.push((await api.ask<Machine>('PUT', `/machines/${macOfFleet(n)}`, body)).id)
    }
  })
  const rollouts = async () => (await api.ask<RolloutList>('GET', '/rollouts')).items
  const control = (id: string, verb: string) => api.ask('POST', `/rollouts/${id}/${verb}`, {})
  const newest = async () => (await rollouts())[0] as Rollout
  const advance = async (id: string) => {
    while (await takeStep(server.api.deps, id));
  }
  const show = (fields: Record<string, string>) =>
    server.visit('operator', `${path}?${new URLSearchParams({ preview: 'yes', install: 'tool', ...fields })}`)

  describe.runIf(hasChromium())('in a browser', () => {
    test('assigns a version to the machines of conditions, in waves, after a preview', async () => {
      const { page, faults, close } = await openAs(browser as Browser, server, 'operator', {
        timezoneId: 'America/St_Johns',
      })
      await page.goto('/images/tool')
      await page.getByRole('link', { name: 'Roll out… version 1' }).click()
      await expectAccessible(page)
      await expectFits(page)
      expect(await page.getByLabel('Time zone').inputValue()).toBe('America/St_Johns')
      await page.getByLabel('Condition 1: fact or label').selectOption('label')
      await page.getByLabel('Condition 1: name of the label').fill('rack')
      await page.getByLabel('Condition 1: value').fill('b4')
      await page.getByLabel('boots this version from now on').check()
      await page.getByLabel('Waves').fill('20, 50')
      await page.getByLabel('when a person approves it').check()
      await page.getByLabel('Stop if more fail than').fill('2')
      await page.getByRole('button', { name: 'Preview' }).click()
      const preview = page.locator('#preview')
      await preview.getByText('would boot tool version 1, in 3 waves').waitFor()
      expect(await preview.getByRole('row').allTextContents()).toMatchObject(
        [/Wave/, /20 %2at once/, /50 %3after an approval/, /100 %5after an approval/].map((row) =>
          expect.stringMatching(row),
        ),
      )
      expect(await preview.textContent()).toMatch(/is not the current version of tool.*1 machine:.*is denied.*n3/s)
      await expectAccessible(page)
      await expectFits(page)
      expect(await rollouts()).toEqual([])
      await page.getByRole('button', { name: 'Roll out to 10 machines' }).click()
      await page
        .getByRole('status')
        .filter({ hasText: 'The rollout of tool on 10 machines started.' })
        .first()
        .waitFor()
      expect(await newest()).toMatchObject({
        ...{ action: 'assign', image: 'tool', version: 1, machines: 10, maxFailed: { count: 2 } },
        selector: [{ label: 'rack', equals: 'b4' }],
        waves: [{ share: 20 }, { share: 50 }, { share: 100 }],
      })
      expect((await newest()).waves.map(({ until }) => until)).toEqual([undefined, undefined, undefined])

      await advance((await newest()).id)
      await page.getByRole('button', { name: 'Roll back…' }).click()
      await expectAccessible(page)
      await expectFits(page)
      expect(await page.locator('main').textContent()).toMatch(/[12] machines?\s+gets? (its|their) former/)
      await page.getByRole('button', { name: /^Roll back [12] machine/ }).click()
      await page
        .getByRole('status')
        .filter({ hasText: /Rolled back [12] machine/ })
        .first()
        .waitFor()
      expect((await newest()).state).toBe('rolled-back')
      expect(faults).toEqual([])
      await close()
    })

    test('installs on a selection after the number is typed, and reinstalls the former image, without JavaScript', async () => {
      const chosen = ids.slice(10, 14)
      await api.ask('POST', '/deployments/bulk', { ids: chosen, image: 'old' })
      for (const n of [10, 11, 12, 13]) await bootMachine(opened.db, macOfFleet(n), 'ready', 'installed')
      const { page, close } = await openAs(browser as Browser, server, 'operator', {
        javaScriptEnabled: false,
        viewport: { width: 360, height: 800 },
      })
      await page.goto('/machines?label=rack%3Dc1')
      for (const n of [10, 11, 12, 13]) await page.getByLabel(`Select n${n}`, { exact: true }).check()
      await page.getByRole('button', { name: 'Roll out…' }).click()
      await page.getByText('4 machines selected in the list.').waitFor()
      await page.getByLabel(/^Image/).selectOption('tool')
      await page.getByLabel('installs this version once').check()
      await page.getByLabel('Waves').fill('50, 100')
      await page.getByRole('button', { name: 'Preview' }).click()
      const warning = page.locator('.destroys')
      await warning.waitFor()
      expect(await warning.textContent()).toContain('installs tool version 2 over the disk of 4 machines')
      // The number must be typed.
      await page.getByRole('button', { name: 'Roll out on 4 machines' }).click()
      expect(page.url()).toContain('preview=yes')
      await page.getByLabel('to confirm').fill('4')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/rollouts/*')
      const { id } = await newest()
      expect(await newest()).toMatchObject({ action: 'deploy', version: 2, machines: 4 })
      await advance(id)
      await bootArmed(opened.db, id, () => 'good')
      await advance(id)

      // Of the four machines, two have installed, and two are armed.
      await page.goto(`/rollouts/${id}/rollback`)
      expect(await page.locator('main').textContent()).toMatch(/2 machines\s+that began stay as they are/)
      expect(await page.locator('.destroys').textContent()).toContain('over the disk of 2 machines')
      await page.getByLabel('to confirm').fill('4')
      await page.getByRole('button', { name: 'Roll back 4 machines, and reinstall' }).click()
      await page.waitForURL(`**/rollouts/${id}`)
      await page.getByText('Rolled back 4 machines.').waitFor()
      const { items } = await api.ask<RolloutMachineList>('GET', `/rollouts/${id}/machines`)
      expect(items.map(({ state }) => state)).toEqual(Array.from({ length: 4 }, () => 'rolled-back'))
      const { items: active } = await api.ask<{ items: { image: string }[] }>('GET', '/deployments?state=active')
      expect(active.map(({ image }) => image)).toEqual(['old', 'old'])
      await close()
    })
  })

  const assign = {
    action: 'assign',
    rows: '1',
    'what.0': 'label',
    'label.0': 'rack',
    'test.0': 'equals',
    'value.0': 'b4',
  }

  test('starts nothing if the inventory changed after the preview, and shows the new preview', async () => {
    const before = await rollouts()
    const { status, html } = await server.visit('operator', path, {
      ...assign,
      install: 'tool',
      expect: '9',
      preview: 'yes',
    })
    expect([status, html.includes('would have 10 machines now, not 9')]).toEqual([409, true])
    expect(html).toContain('name="expect" value="10"')
    expect((await server.visit('operator', path, { ...assign, install: 'tool', preview: 'yes' })).status).toBe(422)
    expect(await rollouts()).toEqual(before)
  })

  test('starts one rollout, however often the same form is sent', async () => {
    const before = await rollouts()
    const fields = { ...assign, install: 'tool', expect: '10', once: 'a-form-of-this-test' }
    const [first, second] = [await server.visit('operator', path, fields), await server.visit('operator', path, fields)]
    expect([first.status, first.headers.get('location')]).toEqual([303, second.headers.get('location')])
    expect(await rollouts()).toHaveLength(before.length + 1)
  })

  test('names machines that are in another rollout', async () => {
    await server.visit('operator', path, { ...assign, install: 'tool', expect: '10' })
    const { status, html } = await show(assign)
    expect([status, html.includes('10 of the machines are in the rollout')]).toEqual([409, true])
  })

  test.each([
    [{ version: '7' }, 'version: expected a version of image tool, got “7”'],
    [{ action: '' }, 'each machine: expected one of the two choices'],
    [{ 'what.0': '' }, 'machines: expected at least one condition'],
    [{ shares: '50, 20' }, 'shares that rise'],
    [{ shares: 'half' }, 'percentages that rise'],
    [{ maxFailed: 'many' }, 'failures: expected a percentage or a number'],
    [
      { from: '22:00', to: '04:00', zone: 'Mars/Olympus' },
      'maintenance window, zone: expected a time zone by its name',
    ],
    [{ from: '22:00', zone: 'UTC' }, 'maintenance window, to: expected a time of day'],
  ])('says which field is wrong: %j', async (fields, sentence) => {
    const { status, html } = await show({ ...assign, ...fields })
    expect([
      status,
      html.includes(sentence) ? sentence : html.slice(html.indexOf('faults'), html.indexOf('</ul>')),
    ]).toEqual([422, sentence])
    expect(html).toContain('Nothing was changed.')
  })

  test('says when the maintenance window opens', async () => {
    const hour = (more: number) => `${String((new Date().getUTCHours() + more) % 24).padStart(2, '0')}:00`
    const closed = await show({ ...assign, from: hour(3), to: hour(5), zone: 'UTC' })
    expect(closed.html).toContain('The maintenance window is closed now.')
    const open = await show({ ...assign, from: hour(23), to: hour(2), zone: 'UTC' })
    expect([open.status, open.html.includes('window is closed')]).toEqual([200, false])
  })

  test('chooses all machines of a filter of the list, and of a group', async () => {
    await api.ask('PUT', '/groups/rack-c1', { selector: [{ label: 'rack', equals: 'c1' }], assignment: {} })
    const { headers } = await server.visit('operator', '/machines/actions', {
      action: 'rollout',
      all: 'yes',
      filter: 'label=rack%3Dc1',
    })
    expect(headers.get('location')).toBe('/new/rollout?label=rack%3Dc1')
    for (const fields of [{ label: 'rack=c1' }, { group: 'rack-c1' }]) {
      const { html } = await show({ action: 'assign', ...fields })
      expect(html).toContain('<strong>10 machines</strong> would boot tool version 2')
    }
  })

  test('prints the same order as a command', async () => {
    const { html } = await show({
      ...assign,
      'test.0': 'prefix',
      shares: '10',
      from: '22:00',
      to: '04:00',
      zone: 'UTC',
    })
    expect(html).toContain(
      'rollout start --assign tool --where &#39;label.rack^=b4&#39; --share 10% --until 95% --between 22:00-04:00 --zone UTC --dry-run',
    )
  })

  test('rolls back nothing if other machines would be concerned than the page said', async () => {
    await server.visit('operator', path, { ...assign, install: 'tool', expect: '10' })
    const { id } = await newest()
    const { status, html } = await server.visit('operator', `/rollouts/${id}/rollback`, { expect: '5' })
    expect([status, html.includes('0 machines would be rolled back now, not 5')]).toEqual([409, true])
    expect((await newest()).state).toBe('running')
    expect(html).toMatch(/No machine gets another assignment\.[\s\S]*>End the rollout<\/button>/)
  })

  test('shows hostile values as text', async () => {
    const { html } = await show({ ...assign, install: payload, params: payload, 'value.0': payload, q: payload })
    expect(html).not.toContain(payload)
  })

  test('is for operators, and needs at most 60 kB for a first view', async () => {
    expect((await server.visit('viewer', '/rollouts')).html).not.toContain(path)
    expect((await server.visit('viewer', path)).status).toBe(403)
    const query = new URLSearchParams({ ...assign, install: 'tool', preview: 'yes' })
    expect(await firstViewBytes(server, 'operator', `${path}?${query}`)).toBeLessThan(60_000)
  })
})
