// A configuration for dnsmasq beside another DHCP server: it gives out boot programs and no addresses.
import { choicesOf, ipxe, matchIpxe, matchLine, ownTags } from './dnsmasq.ts'
import type { DhcpSite } from './site.ts'
import { comment, fileOf, headerLines } from './text.ts'

export function renderDnsmasqProxy(site: DhcpSite): string {
  const { address, bootUrl, entries, own } = site
  return fileOf(
    headerLines(
      'dnsmasq-proxy',
      `Run dnsmasq with this text on a host of the boot network. The other DHCP server gives out the addresses. It must not name a boot file or option 60. If the host is in another subnet, replace ${address} in dhcp-range.`,
      site,
    ),
    [
      ...comment('No DNS.'),
      'port=0',
      ...comment('Beside a DHCP server: dnsmasq adds boot information to the answers of that server.'),
      `dhcp-range=${address},proxy`,
    ],
    [
      ...matchIpxe,
      ...comment('iPXE uses an offer of a proxy only if it names a server (siaddr) too.'),
      `dhcp-boot=tag:${ipxe},${bootUrl},,${address}`,
    ],
    comment(
      'UEFI firmware ignores dhcp-boot of a proxy, so the boot programs are pxe-service lines. Their numbers are the values of option 93.',
    ),
    ownTags(site),
    ...entries
      .filter(({ kind }) => kind.transport === 'tftp')
      .map((entry) => [
        `# ${entry.kind.words}`,
        matchLine(entry),
        ...choicesOf(entry, own).map(
          ({ tags, file }) => `pxe-service=${tags},${entry.kind.code},Bootwright,${file},${address}`,
        ),
      ]),
    comment(
      'UEFI HTTP Boot is not in this text: dnsmasq answers only PXE clients in proxy mode. The proxyDHCP of Bootwright answers HTTP Boot too.',
    ),
  )
}
