// A configuration for dnsmasq that also gives out addresses.
import { type DhcpSite, type FirmwareEntry, ownFilesFor } from './site.ts'
import { comment, fileOf, headerLines, whyHttpClient, whyIpxe } from './text.ts'

export const ipxe = 'bootwright-ipxe'

/** The lines that recognize iPXE. */
export const matchIpxe = [...comment(whyIpxe), `dhcp-match=set:${ipxe},175`, `dhcp-userclass=set:${ipxe},iPXE`]

export function renderDnsmasq(site: DhcpSite): string {
  const { address, bootUrl, entries, own } = site
  const http = entries.filter(({ kind }) => kind.transport === 'http')
  return fileOf(
    headerLines(
      'dnsmasq',
      'Save this text as /etc/dnsmasq.d/bootwright.conf and restart dnsmasq. Remove other dhcp-boot and pxe-service lines.',
      site,
    ),
    [
      ...matchIpxe,
      `dhcp-boot=tag:${ipxe},${bootUrl}`,
      ...comment('Option 175.176 tells iPXE that no proxyDHCP server answers. This saves two seconds in each boot.'),
      `dhcp-option-force=tag:${ipxe},encap:175,176,1b`,
    ],
    ownTags(site),
    ...entries
      .filter(({ kind }) => kind.transport === 'tftp')
      .map((entry) => [
        `# ${entry.kind.words}`,
        matchLine(entry),
        ...choicesOf(entry, own).map(({ tags, file }) => `dhcp-boot=${tags},${file},${address},${address}`),
      ]),
    http.length === 0 ? [] : [...comment(whyHttpClient), 'dhcp-vendorclass=set:bootwright-http,HTTPClient'],
    ...http.map((entry) => [
      `# ${entry.kind.words}`,
      matchLine(entry),
      `dhcp-option-force=tag:${tagOf(entry)},tag:bootwright-http,tag:!${ipxe},60,HTTPClient`,
      ...choicesOf(entry, own).map(({ tags, file }) => `dhcp-boot=tag:bootwright-http,${tags},${file}`),
    ]),
  )
}

/** The tags of machines with a boot program of their own. */
export function ownTags({ own }: DhcpSite): string[] {
  if (own.length === 0) return []
  return [
    ...comment('Machines with a boot program of their own, by MAC address. The list is as of the time of printing.'),
    ...own.flatMap(({ nbp, macs }) => [`# ${nbp}`, ...macs.map((mac) => `dhcp-mac=set:${ownTag(nbp)},${mac}`)]),
  ]
}

/** The boot files of an entry, each with its tags: those of machines with their own, and the default for all others. */
export function choicesOf(entry: FirmwareEntry, own: DhcpSite['own']): { tags: string; file: string }[] {
  const base = `tag:${tagOf(entry)},tag:!${ipxe}`
  const special = ownFilesFor(entry.kind, own).map(({ nbp, file }) => ({ tag: ownTag(nbp), file }))
  return [
    { tags: [base, ...special.map(({ tag }) => `tag:!${tag}`)].join(','), file: entry.file },
    ...special.map(({ tag, file }) => ({ tags: `${base},tag:${tag}`, file })),
  ]
}

export function matchLine(entry: FirmwareEntry): string {
  return `dhcp-match=set:${tagOf(entry)},option:client-arch,${entry.kind.code}`
}

function tagOf({ kind }: FirmwareEntry): string {
  return `bootwright-${kind.code}`
}

function ownTag(nbp: string): string {
  return `bootwright-own-${nbp}`
}
