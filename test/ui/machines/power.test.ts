import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Machine } from '../../../src/api/schemas/machines/machine.ts'
import type { PowerRequestList } from '../../../src/api/schemas/machines/power.ts'
import { operator } from '../../../src/auth/principal.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { claimPowerRequests, endPowerRequest } from '../../../src/inventory/machines/power/queue.ts'
import { type ApiClient, createApiClient } from '../../../src/ui/http/client.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { openPageServer, type PageServer } from '../../helpers/page-server.ts'

let opened: OpenDb
let server: PageServer
let api: ApiClient
let id: string
beforeAll(async () => {
  opened = await openTestDatabase()
  server = await openPageServer(opened.db)
  api = createApiClient(server.deps.fetch, { ...operator, role: 'admin' })
  id = (await api.ask<Machine>('PUT', '/machines/52:54:00:00:0d:01', { hostname: 'power1' })).id
})
afterAll(async () => {
  await server.close()
  await opened.close()
})
const requests = async () => (await api.ask<PowerRequestList>('GET', '/power-requests')).items
const page = () => server.visit('operator', `/machines/${id}`)

test('the page of a machine without a power setting has no button of power', async () => {
  expect((await page()).html).not.toContain('name="order"')
})

test('the page offers what the kind can do, and asks before it changes the power', async () => {
  const setting = { kind: 'redfish', url: 'https://10.0.9.17', username: 'root', password: 'calvin-7c1f' }
  await api.ask('PUT', `/machines/${id}/power`, setting)
  const { html } = await page()
  const orders = [...html.matchAll(/name="order" value="([a-z-]+)"/g)].map(([, order]) => order)
  expect(orders).toEqual(['on', 'off', 'force-off', 'cycle', 'network-cycle', 'state'])
  expect(html).not.toContain('calvin')
  const asked = await server.visit('operator', `/machines/${id}/power`, { order: 'network-cycle' })
  expect([asked.status, asked.html]).toEqual([200, expect.stringContaining('The next boot is a network boot')])
  expect(await requests()).toEqual([])
})

test('a confirmed button requests the power, and the page shows the result', async () => {
  const confirmed = { order: 'network-cycle', confirmed: 'yes' }
  expect((await server.visit('viewer', `/machines/${id}/power`, confirmed)).status).toBe(403)
  expect((await server.visit('operator', `/machines/${id}/power`, confirmed)).status).toBe(303)
  expect(await requests()).toMatchObject([{ action: 'cycle', network: true, state: 'waiting' }])
  expect((await page()).html).toContain('hx-trigger="every 5s"')
  const [request] = await claimPowerRequests(opened.db, 1)
  if (request === undefined) throw new Error('no request waits')
  await endPowerRequest(opened.db, request, { state: 'failed', message: '<b>the BMC refused' })
  const { html } = await page()
  expect(html).toContain('cycle failed')
  expect(html).toContain('&lt;b&gt;the BMC refused')
  expect(html).toContain('BW-POWER-FAILED')
})

test('a viewer sees the power, but no button, and an unknown order does nothing', async () => {
  const { html } = await server.visit('viewer', `/machines/${id}`)
  expect(html).toContain('https://10.0.9.17')
  expect(html).not.toContain('name="order"')
  const before = (await requests()).length
  expect((await server.visit('operator', `/machines/${id}/power`, { order: 'explode', confirmed: 'yes' })).status).toBe(
    303,
  )
  expect(await requests()).toHaveLength(before)
})
