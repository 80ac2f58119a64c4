// Broken networks as data: what is wrong, what the doctor must call it, and what real firmware prints.
import type { FindingCode } from '../../../src/model/findings/table.ts'
import type { LabServer } from '../server.ts'
import type { BrokenSite } from './site.ts'

/** The DHCP server of the LAN at `dhcpAddress`; `lines` are whole configurations or their essential part. */
export type SiteDhcp =
  | { server: 'none' }
  /** dnsmasq(8): boot rules; `pool` replaces the usual range, and `leases` is the text of its file of leases. */
  | { server: 'dnsmasq'; lines: string[]; pool?: string; leases?: string }
  /** dhcpd.conf(5) of ISC DHCP, inside the subnet. */
  | { server: 'isc'; lines: string[] }
  /** The subnet of Kea's Dhcp4, as JSON members beside its pool. */
  | { server: 'kea'; subnet: Record<string, unknown> }
  /** A server that breaks the rules of RFC 2131 (odd-server.ts). */
  | { server: 'odd'; behaviour: OddBehaviour }

/** What the odd server does. Without `yiaddr` it is a proxyDHCP server. */
export type OddBehaviour = {
  yiaddr?: string
  siaddr?: string
  /** The field `file` of the header. */
  file?: string
  /** Options by code, in hexadecimal. */
  options?: Record<number, string>
  /** True: no option 54. */
  hidesServerId?: boolean
  /** True: answers go to `yiaddr` although the client asked for a broadcast (RFC 2131, 4.1). */
  ignoresBroadcastFlag?: boolean
  /** True: also answers on port 4011, with the same file. */
  answers4011?: boolean
}

export const firmwareNames = ['uefi', 'httpBoot', 'arm64', 'ipxe'] as const
/**
 * Firmware of the lab: EDK2's PXE client (`uefi` on x86-64, `arm64`), EDK2's HTTP Boot, and the iPXE in the network card of a
 * machine with BIOS.
 */
export type FirmwareName = (typeof firmwareNames)[number]

export type BrokenNetwork = {
  /** `tftp-blocked` */
  name: string
  /** How the network is broken: a sentence without a full stop. */
  broken: string
  /** The code that the doctor must find. */
  finding: FindingCode
  /** How severe the finding is; an error by default. */
  state?: 'error' | 'warning'
  /** Further codes that are true in this network. */
  alsoTrue?: FindingCode[]
  /** The DHCP server; by default one with correct rules. */
  dhcp?: SiteDhcp
  /** Rules of nft(8): for frames that cross the switch, and for packets that arrive at the DHCP server or at the boot server. */
  filters?: { lan?: string[]; dhcpServer?: string[]; server?: string[] }
  /** Settings of the server. */
  settings?: Record<string, string>
  /** Changes the folder of boot programs before the server starts. */
  changeNbps?: (folder: string) => Promise<void>
  /** Changes the inventory or the stored files of the running server. The result undoes the changes. */
  changeServer?: (server: LabServer, dataDir: string) => Promise<() => Promise<void>>
  /** Adds foreign servers, or changes devices. Hosts are removed with the network; the result undoes other changes. */
  change?: (site: BrokenSite) => Promise<(() => void) | undefined>
  /** What the firmware of the lab prints; firmware that boots, or prints nothing, is absent. */
  screens?: Partial<Record<FirmwareName, string[]>>
}
