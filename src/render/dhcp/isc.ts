// A configuration for ISC dhcpd 4.
import { type DhcpSite, type FirmwareEntry, ownFilesFor } from './site.ts'
import { comment, fileOf, headerLines, whyHttpClient, whyIpxe } from './text.ts'

export function renderIsc(site: DhcpSite): string {
  const { bootUrl, entries } = site
  const tftp = entries.filter(({ kind }) => kind.transport === 'tftp')
  const http = entries.filter(({ kind }) => kind.transport === 'http')
  return fileOf(
    headerLines(
      'isc',
      'Save this text as /etc/dhcp/bootwright.conf. Add this line to dhcpd.conf, outside of subnets: include "/etc/dhcp/bootwright.conf"; Remove other filename and next-server lines.',
      site,
    ),
    [
      ...comment('dhcpd has no names for these options. Option 93 may hold several values, so it is read as bytes.'),
      'option bootwright-firmware code 93 = string;',
      'option bootwright-ipxe code 175 = string;',
    ],
    [
      ...comment(whyIpxe),
      'if exists bootwright-ipxe or option user-class = "iPXE" {',
      ...fileLines(bootUrl).map(indent),
      ...comment('Option 175.176: no proxyDHCP server answers. This saves two seconds in each boot.').map(indent),
      indent('option bootwright-ipxe b0:01:01;'),
      ...tftp.flatMap((entry) => [
        `} elsif ${testOf(entry)} {`,
        indent(`# ${entry.kind.words}`),
        ...serverLines(site).map(indent),
        ...bootFiles(site, entry).map(indent),
      ]),
      ...http.flatMap((entry, index) => [
        `} elsif substring(option vendor-class-identifier, 0, 10) = "HTTPClient" and ${testOf(entry)} {`,
        indent(`# ${entry.kind.words}`),
        ...(index === 0 ? comment(whyHttpClient).map(indent) : []),
        indent('option vendor-class-identifier "HTTPClient";'),
        ...bootFiles(site, entry).map(indent),
      ]),
      '}',
    ],
  )
}

function testOf({ kind }: FirmwareEntry): string {
  const hex = kind.code.toString(16).padStart(4, '0')
  return `substring(option bootwright-firmware, 0, 2) = ${hex.slice(0, 2)}:${hex.slice(2)}`
}

// EDK2 prefers option 67 (PxeBcDhcp4.c), iPXE the file name of the header (dhcppkt.c), and some firmware reads only one of them.
function fileLines(file: string): string[] {
  return [`filename "${file}";`, `option bootfile-name "${file}";`]
}

// Most firmware takes the TFTP server from next-server, some from option 66.
function serverLines({ address }: DhcpSite): string[] {
  return [`next-server ${address};`, `option tftp-server-name "${address}";`]
}

/** The boot file of an entry, and those of machines with their own. */
function bootFiles({ own }: DhcpSite, { kind, file }: FirmwareEntry): string[] {
  const special = ownFilesFor(kind, own)
  if (special.length === 0) return fileLines(file)
  return [
    ...comment('Machines with a boot program of their own, by MAC address, as of the time of printing.'),
    ...special.flatMap(({ macs, file }, index) => [
      ...macs.map((mac, at) => {
        const start = at > 0 ? '   or' : index === 0 ? 'if' : '} elsif'
        return `${start} hardware = 01:${mac}${at === macs.length - 1 ? ' {' : ''}`
      }),
      ...fileLines(file).map(indent),
    ]),
    '} else {',
    ...fileLines(file).map(indent),
    '}',
  ]
}

function indent(line: string): string {
  return `  ${line}`
}
