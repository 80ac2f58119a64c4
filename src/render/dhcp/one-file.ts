// Values for DHCP servers that can name only one boot file for all machines, such as UniFi and many home routers.
import { ownComment } from './mikrotik.ts'
import type { DhcpSite } from './site.ts'
import { comment, fileOf, headerLines } from './text.ts'

export function renderOneFile(site: DhcpSite): string {
  return fileOf(
    headerLines(
      'one-file',
      'Values for a DHCP server or router with one boot server and one boot file for all machines.',
      site,
    ),
    fieldLines(site, 'Boot server, next server, siaddr, TFTP server or option 66', 'Boot file, file name or option 67'),
    limits(site),
    ownComment(site),
  )
}

export function renderUnifi(site: DhcpSite): string {
  return fileOf(
    headerLines(
      'unifi',
      'In UniFi Network, open Settings, Networks, the network of the machines, and set DHCP Service Management to these values.',
      site,
    ),
    [...comment('Network Boot: on. The two values go into its two fields.'), ...fieldLines(site, 'Server', 'Filename')],
    comment('Leave TFTP Server empty, or set it to the same address. Do not define an option 60.'),
    limits(site),
    ownComment(site),
  )
}

/** The one program of the site: for UEFI x86-64, or else for BIOS. */
function programOf({ entries }: DhcpSite) {
  return [7, 0].map((code) => entries.find(({ kind }) => kind.code === code)).find((entry) => entry !== undefined)
}

function fieldLines(site: DhcpSite, serverField: string, fileField: string): string[] {
  const entry = programOf(site)
  if (entry === undefined)
    return comment('No boot program by TFTP is available, so there is no value for these fields.')
  return [`${serverField}: ${site.address}`, `${fileField}: ${entry.file}`]
}

function limits(site: DhcpSite): string[] {
  const entry = programOf(site)
  if (entry === undefined) return []
  const others = site.entries.filter(({ kind, file }) => kind.transport === 'tftp' && file !== entry.file)
  return [
    ...comment(
      entry.kind.runs === 'bios'
        ? 'BIOS: undionly.kpxe gets its own name from such a server and loads itself forever. Use the proxyDHCP of Bootwright instead.'
        : 'UEFI: iPXE of 2021 or later loads autoexec.ipxe from where it came from, before it uses DHCP. Bootwright serves it, so iPXE needs no second file name.',
    ),
    ...others.flatMap(({ kind, nbp }) => comment(`Not served: ${kind.words} (${nbp}).`)),
    ...comment('For all kinds of firmware beside such a server, use the proxyDHCP of Bootwright.'),
  ]
}
