import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('DHCP configurations over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const get = (path: string) => api.ask('GET', `/api/v1/dhcp-config/${path}`)
  const withNetwork = async (network: object) => openApi(database(), { network: { ...api.deps.network, ...network } })

  test('are plain text from the settings and the boot programs of the server', async () => {
    const { status, type, body } = await get('dnsmasq')
    expect([status, type]).toEqual([200, 'text/plain; charset=UTF-8'])
    expect(body).toContain('dhcp-boot=tag:bootwright-ipxe,http://192.0.2.1:8080/boot.ipxe\n')
    expect(body).toContain('dhcp-boot=tag:bootwright-7,tag:!bootwright-ipxe,snponly.efi,192.0.2.1,192.0.2.1\n')
  })

  test('are there for each server of the list', async () => {
    const { body } = await api.ask('GET', '/api/v1/dhcp-config')
    expect(body.items).toContainEqual({ name: 'kea', meaning: 'Kea' })
    for (const { name } of body.items) expect([name, (await get(name)).status]).toEqual([name, 200])
  })

  test('name the address of the request, and the base URL of the settings', async () => {
    expect((await get('isc?address=10.1.2.3')).body).toContain('filename "http://10.1.2.3:8080/boot.ipxe";')
    const other = await withNetwork({ baseUrl: 'http://boot.example.com' })
    const { body } = await other.ask('GET', '/api/v1/dhcp-config/isc?address=10.1.2.3')
    expect(body).toContain('filename "http://boot.example.com/boot.ipxe";')
    expect(body).toContain('next-server 10.1.2.3;')
    await other.remove()
  })

  test.each([
    ['a base URL with an address', { baseUrl: 'http://10.9.9.9:80' }, 'next-server 10.9.9.9;'],
    ['a listener on an address', { boot: { address: '10.8.8.8', port: 80 } }, 'next-server 10.8.8.8;'],
    [
      'several addresses',
      { ownAddresses: () => ['10.1.1.1', '10.2.2.2'] },
      'several addresses, and this text names 10.1.1.1.',
    ],
    ['no TFTP', { tftpPort: undefined }, 'TFTP is off on this server'],
  ])('follow the network of the server: %s', async (_, network, expected) => {
    const other = await withNetwork(network)
    expect((await other.ask('GET', '/api/v1/dhcp-config/isc')).body).toContain(expected)
    await other.remove()
  })

  test('need an address if the server has none besides loopback', async () => {
    const other = await withNetwork({ ownAddresses: () => [] })
    const { status, body } = await other.ask('GET', '/api/v1/dhcp-config/kea')
    expect([status, body.errors[0]]).toEqual([422, expect.objectContaining({ field: 'address' })])
    await other.remove()
  })

  test('list machines with a boot program of their own or of a group', async () => {
    const own = '52:54:00:12:34:01'
    const grouped = '52:54:00:12:34:02'
    await api.ask('PUT', `/api/v1/machines/${own}`, { assignment: { bootProgram: 'ipxe.efi' } })
    await api.ask('PUT', `/api/v1/machines/${grouped}`, { labels: { keyboard: 'usb' } })
    await api.ask('PUT', '/api/v1/machines/52:54:00:12:34:03', {})
    await api.ask('PUT', '/api/v1/groups/usb', {
      selector: [{ label: 'keyboard', equals: 'usb' }],
      assignment: { bootProgram: 'ipxe.efi' },
    })
    const { body } = await get('dnsmasq')
    expect(body.match(/^dhcp-mac=.*$/gm)).toEqual([
      `dhcp-mac=set:bootwright-own-ipxe.efi,${own}`,
      `dhcp-mac=set:bootwright-own-ipxe.efi,${grouped}`,
    ])
  })

  test.each(['dhcpcd', 'dnsmasq?address=x', 'dnsmasq?address=::1', 'dnsmasq?server=1.2.3.4'])(
    'refuse %s',
    async (path) => {
      expect((await get(path)).status).toBe(422)
    },
  )
})
