// DHCP configurations by the kind of DHCP server. Pure.
import { renderDnsmasq } from './dnsmasq.ts'
import { renderDnsmasqProxy } from './dnsmasq-proxy.ts'
import { renderIsc } from './isc.ts'
import { renderKea } from './kea.ts'
import { renderMikrotik } from './mikrotik.ts'
import { renderOneFile, renderUnifi } from './one-file.ts'
import { renderOpenwrt } from './openwrt.ts'
import { renderOpnsense, renderPfsense } from './pfsense.ts'
import type { DhcpServer } from './servers.ts'
import { type DhcpSite, planSite, type SiteFacts } from './site.ts'
import { renderWindows } from './windows.ts'

const renderers: Record<DhcpServer, (site: DhcpSite) => string> = {
  dnsmasq: renderDnsmasq,
  'dnsmasq-proxy': renderDnsmasqProxy,
  isc: renderIsc,
  kea: renderKea,
  mikrotik: renderMikrotik,
  windows: renderWindows,
  opnsense: renderOpnsense,
  pfsense: renderPfsense,
  openwrt: renderOpenwrt,
  unifi: renderUnifi,
  'one-file': renderOneFile,
}

/**
 * The configuration of a site for a DHCP server, with comments. The same facts give the same text.
 * @throws InputError for an address or a URL that is not valid in a configuration
 */
export function renderDhcpConfig(server: DhcpServer, facts: SiteFacts): string {
  return renderers[server](planSite(facts))
}
