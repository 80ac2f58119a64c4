import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { createRollout } from '../../../src/inventory/boots/rollouts/create.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { takeStep } from '../../../src/jobs/rollouts.ts'
import { expectAccessible, hasChromium, openAs, openBrowser } from '../../helpers/browser.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { bootArmed, enterFleet } from '../../helpers/fleet.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

vi.setConfig({ testTimeout: 60_000 })

describe('the page of rollouts', () => {
  let opened: OpenDb
  let server: PageServer
  let browser: Browser | undefined
  let id: string
  beforeAll(async () => {
    if (hasChromium()) browser = await openBrowser()
    opened = await openTestDatabase()
    server = await openPageServer(opened.db)
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
    await opened?.close()
  })
  const advance = async () => {
    while (await takeStep(server.api.deps, id));
  }
  beforeEach(async () => {
    if (id !== undefined) return
    expect((await server.visit('viewer', '/rollouts')).html).toContain('No rollout yet')
    await saveImage(opened.db, 'tool', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const order = {
      action: 'deploy',
      image: 'tool',
      assignment: {},
      force: false,
      maxAttempts: 3,
      windowSeconds: 86_400,
    } as const
    const waves = [{ share: 50, until: 90 }, { share: 100 }]
    const plan = { waves, bound: { count: 1 }, patienceSeconds: 3600, window: null, selector: null }
    id = (await createRollout(opened.db, await enterFleet(opened.db, 20), order, plan, undefined, 'tester')).id
    await advance()
  })

  test('shows waves and machines, stops, and lets an operator retry, pause, approve and cancel', async () => {
    await bootArmed(opened.db, id, (place) => (place < 2 ? 'fails' : 'good'))
    await advance()
    const { html } = await server.visit('operator', `/rollouts/${id}`)
    for (const text of [
      'stopped',
      '2 of 10 machines failed: more than 1 machine',
      '2 failed',
      'Retry the failed',
      'Resume',
      'no disk',
    ])
      expect(html).toContain(text)
    expect((await server.visit('viewer', `/rollouts/${id}`)).html).not.toContain(
      '<form method="post" action="/rollouts',
    )
    expect((await server.visit('viewer', `/rollouts/${id}/retry`, { x: '1' })).status).toBe(403)
    expect((await server.visit('operator', '/rollouts')).html).toContain(`/rollouts/${id}`)
    expect((await server.visit('operator', `/rollouts/${id}?state=failed`)).html.match(/no disk/g)).toHaveLength(2)
    const act = (verb: string, form: Record<string, string> = { x: '1' }) =>
      server.visit('operator', `/rollouts/${id}/${verb}`, form)
    expect((await act('approve', { wave: '1' })).status).toBe(409)
    expect((await act('none')).status).toBe(404)
    expect((await act('retry')).status).toBe(303)
    await advance()
    expect((await server.visit('operator', `/rollouts/${id}`)).html).toContain('2 armed')
    await act('pause')
    expect((await server.visit('operator', `/rollouts/${id}`)).html).toContain('paused')
    await act('resume')
    await act('approve', { wave: '1' })
    await advance()
    expect((await server.visit('operator', `/rollouts/${id}`)).html).toContain('12 armed')
  })

  test.runIf(hasChromium())('updates while machines boot, and asks before it approves', async () => {
    const { page, faults, close } = await openAs(browser as Browser, server, 'operator')
    await page.goto(`/rollouts/${id}`)
    await expectAccessible(page)
    await bootArmed(opened.db, id, (place) => (place > 16 ? 'hangs' : 'good'))
    await advance()
    await page.locator('#rollout > .legend').getByText('3 running').waitFor()
    page.on('dialog', (dialog) => dialog.accept())
    await page.getByRole('button', { name: /Approve wave 2/ }).click()
    await page.getByText('The rollout finished.').waitFor()
    expect(faults).toEqual([])
    await close()
  })
})
