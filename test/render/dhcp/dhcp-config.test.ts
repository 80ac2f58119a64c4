import { describe, expect, test } from 'vitest'
import { renderDhcpConfig } from '../../../src/render/dhcp/render.ts'
import { dhcpServerNames } from '../../../src/render/dhcp/servers.ts'
import type { SiteFacts } from '../../../src/render/dhcp/site.ts'

const named = (...names: string[]) => names.map((name) => ({ name }))
const site: SiteFacts = {
  address: '192.0.2.10',
  baseUrl: 'http://192.0.2.10:8080',
  tftpPort: 69,
  nbps: named('undionly.kpxe', 'snponly.efi', 'ipxe.efi', 'ipxe-arm64.efi', 'ipxe-riscv64.efi', 'ipxe-loong64.efi'),
}
const own = [
  { mac: '52:54:00:12:34:56', bootProgram: 'ipxe.efi' },
  { mac: '52:54:00:12:34:57', bootProgram: 'ipxe.efi' },
] as SiteFacts['choices']
const expectGolden = (server: (typeof dhcpServerNames)[number], name: string, facts: SiteFacts) =>
  expect(renderDhcpConfig(server, facts)).toMatchFileSnapshot(`../../golden/dhcp/${name}.txt`)

describe('the configuration for a DHCP server', () => {
  test.each(dhcpServerNames)('%s is the golden text', (server) => expectGolden(server, server, site))

  test.each(['dnsmasq', 'dnsmasq-proxy', 'isc', 'kea', 'windows', 'mikrotik', 'opnsense'] as const)(
    '%s with machines that have a boot program of their own is the golden text',
    (server) => expectGolden(server, `${server}-own`, { ...site, ...(own && { choices: own }) }),
  )

  test.each(dhcpServerNames)('%s without TFTP is the golden text', (server) =>
    expectGolden(server, `${server}-no-tftp`, { ...site, tftpPort: undefined }),
  )

  test('names the base URL of the settings, and still an address for TFTP', () =>
    expectGolden('kea', 'kea-base-url', { ...site, baseUrl: 'http://boot.example.com' }))

  test('names the other addresses of the server, and the port of TFTP if it is not 69', () =>
    expectGolden('dnsmasq', 'dnsmasq-notes', { ...site, otherAddresses: ['198.51.100.7', '10.0.0.1'], tftpPort: 6969 }))

  test.each(dhcpServerNames)('%s never names a boot program that is not present', (server) => {
    const text = renderDhcpConfig(server, { ...site, nbps: named('undionly.kpxe', 'ipxe.efi') })
    expect(text).not.toMatch(/snponly\.efi|arm64\.efi|riscv64\.efi|loong64\.efi/)
    if (!['unifi', 'one-file'].includes(server))
      expect(text).not.toMatch(/client-arch(\[93\])?,( Value )?11\b|Arch:00011|00:0b|0x000b/)
    expect(text).toContain('No boot program is present for')
    expect(text).toContain('ipxe.efi')
  })

  test.each(dhcpServerNames)('%s without any boot program is a text that says so', (server) => {
    const text = renderDhcpConfig(server, { ...site, nbps: [] })
    expect(text).toContain('No boot program is present for BIOS;')
    expect(text).not.toMatch(/\.efi|\.kpxe(?! gets)/)
  })

  test.each(dhcpServerNames)('%s has no IPv6 address, no line over 500 characters, and printable ASCII', (server) => {
    const text = renderDhcpConfig(server, { ...site, ...(own && { choices: own }) })
    expect(text).not.toMatch(/::/)
    expect(text).toMatch(/^[\x20-\x7e\n]+\n$/)
    for (const line of text.split('\n')) expect(line.length).toBeLessThan(500)
  })
})

describe('hostile values', () => {
  const evil = [
    'http://a\ndhcp-script=/bin/sh',
    'http://a"; x',
    "http://a'b",
    'http://a b',
    'http://$(reboot)',
    'ftp://a',
  ]
  test.each(evil)('the base URL %j is refused', (baseUrl) => {
    for (const server of dhcpServerNames)
      expect(() => renderDhcpConfig(server, { ...site, baseUrl })).toThrow('baseUrl')
  })

  test.each(['1.2.3.4\nx', '1.2.3', '::1', 'host', '1.2.3.4,x', ''])('the address %j is refused', (address) => {
    for (const server of dhcpServerNames)
      expect(() => renderDhcpConfig(server, { ...site, address })).toThrow('address')
  })

  test('names of boot programs and machines cannot add lines', () => {
    const nbps = [
      ...site.nbps,
      { name: 'x\ndhcp-script=/bin/sh.efi', builtFor: 'x86_64' as const },
      { name: `x'; reboot #.efi`, builtFor: 'x86_64' as const },
    ]
    const choices = [
      { mac: '52:54:00:12:34:56', bootProgram: 'x\ndhcp-script=/bin/sh.efi' },
      { mac: '52:54:00:12:34:57', bootProgram: `x'; reboot #.efi` },
    ] as SiteFacts['choices']
    for (const server of dhcpServerNames)
      expect(renderDhcpConfig(server, { ...site, nbps, ...(choices && { choices }) })).toBe(
        renderDhcpConfig(server, site),
      )
    const badMac = [{ mac: '52:54:00:12:34:56\nx', bootProgram: 'ipxe.efi' }] as never
    expect(() => renderDhcpConfig('dnsmasq', { ...site, choices: badMac })).toThrow('mac')
  })
})

test('machines with a boot program of their own are limited, and the text says so', () => {
  const choices = Array.from({ length: 700 }, (_, n) => ({
    mac: `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`,
    bootProgram: 'ipxe.efi',
  })) as Required<SiteFacts>['choices']
  const text = renderDhcpConfig('dnsmasq', { ...site, choices })
  expect(text.match(/^dhcp-mac=/gm)).toHaveLength(500)
  expect(text.replaceAll('\n# ', ' ')).toContain('Only the first 500 machines with a boot program of their own')
})
