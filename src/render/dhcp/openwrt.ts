// Commands for OpenWrt, whose DHCP server is dnsmasq with settings in UCI.
import { ownComment } from './mikrotik.ts'
import type { DhcpSite } from './site.ts'
import { comment, fileOf, headerLines, whyHttpClient, whyIpxe } from './text.ts'

export function renderOpenwrt(site: DhcpSite): string {
  const { address, bootUrl, entries } = site
  const http = entries.filter(({ kind }) => kind.transport === 'http')
  return fileOf(
    headerLines('openwrt', 'Paste this text into a shell of the router (ssh root@ROUTER).', site),
    [
      ...comment('Remove what an earlier run added.'),
      `for part in $(uci -q show dhcp | sed -n 's/^dhcp\\.\\(bootwright_[a-z0-9_]*\\)=.*/\\1/p'); do uci delete "dhcp.$part"; done`,
    ],
    [
      ...comment(whyIpxe),
      ...section('ipxe', 'match', { networkid: 'bootwright-ipxe', match: '175' }),
      ...section('ipxe_class', 'userclass', { networkid: 'bootwright-ipxe', userclass: 'iPXE' }),
      ...bootSection('ipxe', 'bootwright-ipxe', bootUrl, address),
    ],
    http.length === 0
      ? []
      : [
          ...comment(whyHttpClient),
          ...section('http_class', 'vendorclass', { networkid: 'bootwright-http', vendorclass: 'HTTPClient' }),
        ],
    ...entries.map(({ kind, file }) => {
      const { code } = kind
      const tags = `bootwright-${code},tag:!bootwright-ipxe${kind.transport === 'http' ? ',tag:bootwright-http' : ''}`
      return [
        `# ${kind.words}`,
        ...section(String(code), 'match', { networkid: `bootwright-${code}`, match: `option:client-arch,${code}` }),
        ...bootSection(String(code), tags, file, address),
        ...(kind.transport === 'http'
          ? [
              `uci add_list dhcp.bootwright_${code}_boot.dhcp_option='60,HTTPClient'`,
              `uci set dhcp.bootwright_${code}_boot.force='1'`,
            ]
          : []),
      ]
    }),
    ownComment(site),
    ['uci commit dhcp', '/etc/init.d/dnsmasq restart'],
  )
}

function section(name: string, type: string, options: Record<string, string>): string[] {
  const path = `dhcp.bootwright_${name}`
  return [
    `uci set ${path}='${type}'`,
    ...Object.entries(options).map(([key, value]) => `uci set ${path}.${key}='${value}'`),
  ]
}

// The start script of OpenWrt writes networkid as it is after `net:`, so it may hold further tags. It ignores a boot section
// that has no servername.
function bootSection(name: string, networkid: string, filename: string, address: string): string[] {
  return section(`${name}_boot`, 'boot', { networkid, filename, servername: address, serveraddress: address })
}
