import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startForeignServers } from '../../../src/inventory/system/server-sightings.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('foreign servers over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  test('are listed, acknowledged with a note, and deleted, and each step is in the audit log', async () => {
    const servers = startForeignServers(database(), pino({ level: 'silent' }))
    servers.note({ address: '192.0.2.1', role: 'dhcp', evidence: 'request', interface: 'eth0' })
    await servers.stop()
    const [server] = (await api.ask('GET', '/api/v1/foreign-servers')).body.items
    expect(server).toEqual({
      id: expect.any(String),
      address: '192.0.2.1',
      role: 'dhcp',
      interface: 'eth0',
      evidence: 'request',
      count: 1,
      firstSeenAt: expect.any(String),
      lastSeenAt: expect.any(String),
    })
    const path = `/api/v1/foreign-servers/${server.id}`
    const { status, body } = await api.ask('POST', `${path}/acknowledge`, { note: 'the router' })
    expect([status, body.note, body.acknowledgedBy]).toEqual([200, 'the router', 'operator'])
    expect((await api.ask('DELETE', path)).status).toBe(204)
    expect((await api.ask('DELETE', path)).status).toBe(404)
    const { items } = (await api.ask('GET', '/api/v1/changes?type=foreign-server')).body
    expect(items.map(({ type }: { type: string }) => type)).toEqual([
      'foreign-server.forgotten',
      'foreign-server.acknowledged',
      'foreign-server.seen',
    ])
  })
})
