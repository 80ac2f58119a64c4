// Boot rules of dnsmasq(8) that are right, and single faults in them.
import { serverAddress } from '../net.ts'
import type { SiteDhcp } from './network.ts'

export const bootUrl = `http://${serverAddress}:8080/boot.ipxe`

/** The kinds of firmware by option 93 (RFC 4578, 2.1), as tags. */
export const firmwareTags = [
  'dhcp-match=set:bios,option:client-arch,0',
  'dhcp-match=set:x64,option:client-arch,7',
  'dhcp-match=set:arm64,option:client-arch,11',
  'dhcp-match=set:http64,option:client-arch,16',
]

type Files = { bios: string; x64: string; arm64: string }
const usualFiles: Files = { bios: 'undionly.kpxe', x64: 'snponly.efi', arm64: 'ipxe-arm64.efi' }

/** The boot program by firmware from a TFTP server, which is the DHCP server itself without an address. */
export function tftpRules(files: Partial<Files> = {}, server: string | undefined = serverAddress): string[] {
  return Object.entries({ ...usualFiles, ...files }).map(
    ([tag, file]) => `dhcp-boot=tag:!ipxe,tag:${tag},${file}${server === '' ? '' : `,,${server}`}`,
  )
}

/** UEFI HTTP Boot, which ignores an offer without option 60 `HTTPClient` (UEFI 2.10, 24.7.2). */
export function httpBootRules(url = `http://${serverAddress}:8080/nbp/snponly.efi`): string[] {
  return ['dhcp-option-force=tag:http64,60,HTTPClient', `dhcp-boot=tag:http64,${url}`]
}

export const ipxeRule = `dhcp-boot=tag:ipxe,${bootUrl}`
export const healthyRules = [...firmwareTags, ...tftpRules(), ...httpBootRules(), ipxeRule]
export const healthyDhcp: SiteDhcp = { server: 'dnsmasq', lines: healthyRules }
