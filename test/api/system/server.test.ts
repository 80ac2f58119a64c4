import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { serverFacts } from '../../helpers/server-facts.ts'

const password = 'geheim'
const env = {
  BOOTWRIGHT_SITE_NAME: 'Rechenzentrum 1',
  DATABASE_URL: `postgres://bw:${password}@db.example.org/bw?password=${password}`,
  BOOTWRIGHT_ADMIN_TOKEN: `${password}-`.repeat(8),
  BOOTWRIGHT_KEEP_PARTS_DAYS: '3',
}

eachDatabase('the API about the server', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database(), { server: serverFacts(env) })
  })
  afterAll(() => api.remove())
  const get = async (path: string) => (await api.ask('GET', `/api/v1${path}`)).body

  test('shows the version, the site name, the listeners and the URLs for machines', async () => {
    expect(await get('/about')).toMatchObject({
      version: expect.stringMatching(/^\d/),
      siteName: 'Rechenzentrum 1',
      uptimeSeconds: expect.any(Number),
      database: 'embedded',
      bootUrls: ['http://192.0.2.1:8080'],
      tftp: { listening: '0.0.0.0:69', port: 69 },
      proxyDhcp: { interfaces: [], source: 'default' },
    })
  })

  test('lists each setting with its value, its default and its source, without any secret', async () => {
    const { items } = await get('/settings')
    const find = (name: string) => items.find((item: { name: string }) => item.name === name)
    expect(find('BOOTWRIGHT_KEEP_PARTS_DAYS')).toMatchObject({ value: '3', default: '7', source: 'environment' })
    expect(find('BOOTWRIGHT_BOOT_LISTEN')).toMatchObject({ value: '0.0.0.0:8080', source: 'default' })
    expect(find('BOOTWRIGHT_ADMIN_TOKEN')).toMatchObject({ value: '********', secret: true, source: 'environment' })
    expect(find('DATABASE_URL').value).toBe('postgres://********@db.example.org/bw?password=********')
    expect(find('BOOTWRIGHT_SECRET_KEY')).toEqual({
      ...{ name: 'BOOTWRIGHT_SECRET_KEY', meaning: expect.any(String), expected: expect.any(String) },
      ...{ source: 'default', secret: true },
    })
    expect(JSON.stringify(items)).not.toContain(password)
  })

  test('lists the interfaces of this computer, and those of proxyDHCP', async () => {
    await api.ask('PUT', '/api/v1/proxy-dhcp', { interfaces: ['lo'] })
    const { items } = await get('/interfaces')
    expect(items.map(({ name }: { name: string }) => name).sort()).toEqual(Object.keys(networkInterfaces()).sort())
    expect(items.at(-1)).toMatchObject({ name: 'lo', loopback: true, proxyDhcp: true })
    await api.ask('PUT', '/api/v1/proxy-dhcp', { interfaces: [] })
  })

  test('switches proxyDHCP, and records who did it', async () => {
    expect(await api.ask('PUT', '/api/v1/proxy-dhcp', { interfaces: ['eth0'] })).toMatchObject({
      status: 200,
      body: { interfaces: ['eth0'], source: 'saved' },
    })
    expect(await get('/proxy-dhcp')).toEqual({ interfaces: ['eth0'], source: 'saved' })
    expect((await get('/changes?type=proxy-dhcp.changed')).items).toMatchObject([
      { actor: 'operator', before: { interfaces: [] }, after: { interfaces: ['eth0'] } },
    ])
  })
})
