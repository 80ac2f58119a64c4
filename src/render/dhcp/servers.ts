// The DHCP servers that Bootwright prints configurations for.

/** The names of the servers, each with what it is. */
export const dhcpServers = {
  dnsmasq: 'dnsmasq that gives out addresses',
  'dnsmasq-proxy': 'dnsmasq beside another DHCP server',
  isc: 'ISC dhcpd',
  kea: 'Kea',
  mikrotik: 'RouterOS 7',
  windows: 'the DHCP server of Windows Server, by PowerShell',
  opnsense: 'OPNsense, with Dnsmasq, Kea or ISC',
  pfsense: 'pfSense, with Kea or ISC',
  openwrt: 'OpenWrt, by uci',
  unifi: 'UniFi Network',
  'one-file': 'a server that can name only one boot file',
} as const
export type DhcpServer = keyof typeof dhcpServers
export const dhcpServerNames = Object.keys(dhcpServers) as [DhcpServer, ...DhcpServer[]]
