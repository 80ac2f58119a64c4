// Commands for RouterOS 7.
import type { DhcpSite, FirmwareEntry } from './site.ts'
import { comment, fileOf, headerLines, whyHttpClient, whyIpxe } from './text.ts'

export function renderMikrotik(site: DhcpSite): string {
  const { address, bootUrl, entries } = site
  return fileOf(
    headerLines(
      'mikrotik',
      'Set the three names below. Save this text as bootwright.rsc, upload it to the router (RouterOS 7.4 or later) and type: /import bootwright.rsc',
      site,
    ),
    [
      ...comment(
        'The DHCP server, its pool and its network, as in /ip dhcp-server print and /ip dhcp-server network print.',
      ),
      ':local dhcpServer "defconf"',
      ':local addressPool "default-dhcp"',
      ':local network "192.168.88.0/24"',
    ],
    [
      ...comment('Remove what an earlier import added.'),
      '/ip dhcp-server matcher remove [find where name~"^bootwright-"]',
      '/ip dhcp-server option sets remove [find where name~"^bootwright-"]',
      '/ip dhcp-server option remove [find where name~"^bootwright-"]',
    ],
    [
      ...comment('Most firmware takes the TFTP server from next-server, some from option 66.'),
      `/ip dhcp-server network set [find where address=$network] next-server=${address} boot-file-name=""`,
      `/ip dhcp-server option add name=bootwright-server code=66 value="s'${address}'"`,
    ],
    [
      ...comment(whyIpxe),
      ...comment('The first matcher that fits decides, so this one stays before the others.'),
      `/ip dhcp-server option add name=bootwright-ipxe code=67 value="s'${bootUrl}'"`,
      '/ip dhcp-server option sets add name=bootwright-ipxe options=bootwright-ipxe',
      matcher('ipxe', 77, '"iPXE"'),
    ],
    entries.some(({ kind }) => kind.transport === 'http')
      ? [
          ...comment(whyHttpClient),
          `/ip dhcp-server option add name=bootwright-http code=60 value="s'HTTPClient'" force=yes`,
        ]
      : [],
    ...entries.map((entry) => [
      `# ${entry.kind.words}`,
      `/ip dhcp-server option add name=${nameOf(entry)} code=67 value="s'${entry.file}'"`,
      `/ip dhcp-server option sets add name=${nameOf(entry)} options=${entry.kind.transport === 'http' ? 'bootwright-http' : 'bootwright-server'},${nameOf(entry)}`,
      matcher(String(entry.kind.code), 93, `0x${entry.kind.code.toString(16).padStart(4, '0')}`),
    ]),
    ownComment(site),
  )
}

function matcher(name: string, code: number, value: string): string {
  return `/ip dhcp-server matcher add name=bootwright-${name} server=$dhcpServer address-pool=$addressPool code=${code} value=${value} option-set=bootwright-${name}`
}

function nameOf({ kind }: FirmwareEntry): string {
  return `bootwright-${kind.code}`
}

/** For servers that cannot choose by MAC address and firmware together: which machines this text does not cover. */
export function ownComment({ own }: DhcpSite, prefix = '# '): string[] {
  if (own.length === 0) return []
  return [
    ...comment(
      'These machines have a boot program of their own. This server cannot choose by machine and firmware together, so they get the default from it. The proxyDHCP of Bootwright gives them their own:',
      prefix,
    ),
    ...own.flatMap(({ nbp, macs }) => macs.map((mac) => `${prefix}  ${mac} ${nbp}`)),
  ]
}
