// Values for the fields of pfSense and OPNsense.
import { ownComment } from './mikrotik.ts'
import type { DhcpSite, FirmwareEntry } from './site.ts'
import { comment, fileOf, headerLines, whyHttpClient } from './text.ts'

/** The file of a kind of firmware by its code. */
function fileFor({ entries }: DhcpSite, code: number): string {
  return entries.find(({ kind }) => kind.code === code)?.file ?? '(empty)'
}

export function renderPfsense(site: DhcpSite): string {
  return fileOf(
    headerLines('pfsense', 'Values for Services, DHCP Server, the interface of the machines, Network Booting.', site),
    [
      'Enable Network Booting:   on',
      `Next Server:              ${site.address}`,
      ...comment(
        'BIOS cannot boot here beside UEFI: the field names one file, and iPXE would get it again and load itself forever.',
      ),
      'Default BIOS File Name:   (empty)',
      `UEFI 32 bit File Name:    ${fileFor(site, 6)}`,
      `UEFI 64 bit File Name:    ${fileFor(site, 7)}`,
      `ARM 32 bit File Name:     ${fileFor(site, 10)}`,
      `ARM 64 bit File Name:     ${fileFor(site, 11)}`,
      `UEFI 32 bit HTTPBoot URL: ${fileFor(site, 15)}`,
      `UEFI 64 bit HTTPBoot URL: ${fileFor(site, 16)}`,
      `ARM 32 bit HTTPBoot URL:  ${fileFor(site, 18)}`,
      `ARM 64 bit HTTPBoot URL:  ${fileFor(site, 19)}`,
    ],
    comment(
      'iPXE of 2021 or later, loaded by UEFI, takes autoexec.ipxe from where it came from, before it uses DHCP. Bootwright serves it, so iPXE needs no rule here.',
    ),
    comment('TFTP Server: leave it empty, or set it to the same address. Do not define an option 60.'),
    comment(
      'These fields are the same with ISC DHCP and with Kea. BIOS machines boot with the proxyDHCP of Bootwright.',
    ),
    ownComment(site),
  )
}

export function renderOpnsense(site: DhcpSite): string {
  const { address, bootUrl, entries } = site
  // These pages have no condition that excludes iPXE. UEFI is safe by autoexec.ipxe, but on BIOS iPXE would load itself forever.
  const efi = entries.filter(({ kind }) => kind.runs !== 'bios')
  const tftp = efi.filter(({ kind }) => kind.transport === 'tftp')
  const http = efi.filter(({ kind }) => kind.transport === 'http')
  return fileOf(
    headerLines('opnsense', 'Use the part for the DHCP server that is on: Dnsmasq, Kea or ISC.', site),
    ['## Dnsmasq (Services, Dnsmasq DNS & DHCP)'],
    [
      ...comment(
        'The shortest way: save the text of `bootwright dhcp-config dnsmasq` as /usr/local/etc/dnsmasq.conf.d/bootwright.conf, then restart Dnsmasq. It serves every kind of firmware, HTTP Boot and BIOS.',
      ),
      ...comment(
        'In the page: for each line, add the tag under DHCP tags, the match under DHCP options, and the file under DHCP boot. Fill Servername and Server address both: with the address alone, it ends up as the name (opnsense/core#8749).',
      ),
      `Tag ipxe:  Type Match, Option 175, no Value. DHCP boot: Filename ${bootUrl}`,
      ...tftp.map(
        ({ kind, file }) =>
          `Tag fw${kind.code}:  Type Match, Option client-arch[93], Value ${kind.code}. DHCP boot: Filename ${file}, Servername ${address}, Server address ${address}`,
      ),
      ...comment(
        'The page cannot exclude iPXE from a boot file. UEFI is safe, because iPXE of 2021 or later takes autoexec.ipxe before it uses DHCP. For BIOS, use the file above.',
      ),
    ],
    ['## Kea (Services, Kea DHCP, Kea DHCPv4)'],
    [
      ...comment('Subnets:'),
      `Next server: ${address}`,
      'TFTP server: (empty)',
      'TFTP bootfile name: (empty)',
      ...comment('Options, in version 26.1.5 or later. Add each, and select all of them in the subnet:'),
      ...tftp.map((entry) => `${matchOf(entry)}; Set Code 67, Encoding Text, Data ${entry.file}`),
      ...(http.length > 0 ? comment(whyHttpClient) : []),
      ...http.flatMap((entry) => [
        `${matchOf(entry)}; Set Code 67, Encoding Text, Data ${entry.file}`,
        `${matchOf(entry)}; Set Code 60, Encoding Text, Data HTTPClient; Force on`,
      ]),
      ...comment(
        'No option excludes iPXE here. UEFI is safe by autoexec.ipxe, as above. BIOS machines boot with the proxyDHCP of Bootwright.',
      ),
    ],
    ['## ISC DHCPv4 (Services, ISC DHCPv4, the interface, Network booting)'],
    [
      'Enable network booting: on',
      `Next server: ${address}`,
      'Default BIOS filename: (empty)',
      `x86 UEFI (32-bit) filename: ${fileFor(site, 6)}`,
      `x64 UEFI/EBC (64-bit) filename: ${fileFor(site, 7)}`,
      `ARM 32 bit filename: ${fileFor(site, 10)}`,
      `ARM 64 bit filename: ${fileFor(site, 11)}`,
      `iPXE boot filename: ${bootUrl}`,
    ],
    ownComment(site),
  )
}

function matchOf({ kind }: FirmwareEntry): string {
  return `${kind.words}: Match Code 93, Encoding Hex, Data ${kind.code.toString(16).padStart(4, '0')}`
}
