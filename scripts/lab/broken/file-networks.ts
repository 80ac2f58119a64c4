// Networks with correct DHCP, whose files do not arrive.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serverAddress } from '../net.ts'
import { startIn } from '../process.ts'
import type { BrokenNetwork } from './network.ts'
import { firmwareTags, httpBootRules, ipxeRule, tftpRules } from './rules.ts'

const dnsmasq = (lines: string[]) => ({ server: 'dnsmasq' as const, lines })
const fromServer = `ip saddr ${serverAddress}`
const toServer = `ip daddr ${serverAddress}`

export const fileNetworks: BrokenNetwork[] = [
  {
    name: 'tftp-blocked',
    broken: 'a firewall drops UDP port 69',
    finding: 'BW-TFTP-BLOCKED',
    filters: { lan: [`${toServer} udp dport 69 drop`] },
    screens: { uefi: ['NBP filename is snponly.efi', 'PXE-E18: Server response timeout.'] },
  },
  {
    name: 'tftp-closed',
    broken: 'TFTP is off in Bootwright',
    finding: 'BW-TFTP-CLOSED',
    settings: { BOOTWRIGHT_TFTP_LISTEN: 'off' },
  },
  {
    name: 'tftp-rejected',
    broken: 'the firewall of the boot server refuses UDP port 69 with an ICMP message',
    finding: 'BW-TFTP-CLOSED',
    filters: { server: ['iifname "eth0" udp dport 69 reject'] },
    screens: { uefi: ['PXE-E99: Unexpected network error.'] },
  },
  {
    name: 'tftp-answers-blocked',
    broken: 'a firewall permits UDP port 69, and drops the answers from other ports',
    finding: 'BW-TFTP-ANSWERS-BLOCKED',
    filters: { lan: [`${fromServer} udp sport != { 67, 69, 4011 } drop`] },
    screens: { uefi: ['NBP filename is snponly.efi', 'PXE-E18: Server response timeout.'] },
  },
  {
    name: 'nbp-missing',
    broken: 'the DHCP server names a file that the boot server does not have',
    finding: 'BW-NBP-MISSING',
    dhcp: dnsmasq([
      ...firmwareTags,
      ...tftpRules({ bios: 'pxelinux.0', x64: 'grubx64.efi', arm64: 'grubaa64.efi' }),
      ...httpBootRules(`http://${serverAddress}:8080/nbp/grubx64.efi`),
      ipxeRule,
    ]),
    screens: {
      uefi: ['PXE-E23: Client received TFTP error from server.'],
      arm64: ['PXE-E23: Client received TFTP error from server.'],
      httpBoot: ['Client Error: 404 Not Found'],
    },
  },
  {
    name: 'nbp-in-a-folder',
    broken: 'the DHCP server names the file with the folder of an older boot server',
    finding: 'BW-NBP-MISSING',
    dhcp: dnsmasq([
      ...firmwareTags,
      ...tftpRules({ bios: 'boot\\x86\\undionly.kpxe', x64: 'boot\\x64\\snponly.efi', arm64: 'boot\\arm\\ipxe.efi' }),
      ...httpBootRules(),
      ipxeRule,
    ]),
    screens: { uefi: ['PXE-E23: Client received TFTP error from server.'] },
  },
  {
    name: 'nbp-truncated',
    broken: 'the copy of the boot program on the server stopped half-way',
    finding: 'BW-NBP-DAMAGED',
    changeNbps: (folder) => editNbp(folder, 'snponly.efi', (bytes) => bytes.subarray(0, bytes.length >> 1)),
    screens: {
      uefi: ['NBP filesize is 142336 Bytes', 'NBP file downloaded successfully.', 'BdsDxe: failed to load'],
      httpBoot: ['File Size: 142336 Bytes', 'BdsDxe: failed to load'],
    },
  },
  {
    name: 'nbp-web-page',
    broken: 'a web page was saved instead of the boot program',
    finding: 'BW-NBP-DAMAGED',
    changeNbps: (folder) =>
      editNbp(folder, 'snponly.efi', () => Buffer.from(`<!DOCTYPE html>\n<title>Sign in</title>\n${' '.repeat(4000)}`)),
    screens: { uefi: ['NBP filesize is 4039 Bytes', 'BdsDxe: failed to load'] },
  },
  {
    name: 'small-mtu',
    broken: 'a tunnel on the way drops packets of more than 1280 bytes',
    finding: 'BW-MTU',
    // TFTP sends its answers from other ports than 69, and TCP finds a smaller size in real tunnels.
    filters: { lan: ['ip protocol udp ip length > 1280 drop'] },
    screens: { uefi: ['NBP filesize is 284672 Bytes', 'PXE-E99: Unexpected network error.'] },
  },
  {
    name: 'http-blocked',
    broken: 'a firewall drops the port of boot HTTP',
    finding: 'BW-HTTP-BLOCKED',
    filters: { lan: [`${toServer} tcp dport 8080 drop`] },
    screens: {
      httpBoot: ['Error: Could not retrieve NBP file size from HTTP server.', 'Error: Unexpected network error.'],
      ipxe: ['Connection timed out (http://ipxe.org/4c0a6035)'],
    },
  },
  {
    name: 'http-rejected',
    broken: 'the firewall of the boot server refuses the port of boot HTTP',
    finding: 'BW-HTTP-BLOCKED',
    filters: { server: ['iifname "eth0" tcp dport 8080 reject with tcp reset'] },
    screens: {
      httpBoot: ['Error: Could not retrieve NBP file size from HTTP server.', 'Error: Unexpected network error.'],
      ipxe: ['Connection reset (http://ipxe.org/0f0a6039)'],
    },
  },
  {
    name: 'http-port',
    broken: 'the URL for iPXE in the DHCP server has the wrong port',
    finding: 'BW-HTTP-BLOCKED',
    dhcp: dnsmasq([
      ...firmwareTags,
      ...tftpRules(),
      ...httpBootRules(),
      `dhcp-boot=tag:ipxe,http://${serverAddress}/boot.ipxe`,
    ]),
  },
  {
    name: 'http-subnets',
    broken: 'BOOTWRIGHT_BOOT_SUBNETS lacks the subnet of the machines',
    finding: 'BW-HTTP-REFUSED',
    alsoTrue: ['BW-TFTP-BLOCKED'],
    settings: { BOOTWRIGHT_BOOT_SUBNETS: '192.168.7.0/24' },
    screens: {
      httpBoot: ['Client Error: 403 Forbidden'],
      ipxe: ['Operation not permitted (http://ipxe.org/410c613c)'],
    },
  },
  {
    name: 'dns-name',
    broken: 'the boot URLs have a host name that DNS does not know',
    finding: 'BW-DNS',
    dhcp: dnsmasq([
      ...firmwareTags,
      ...tftpRules(),
      ...httpBootRules('http://boot.lab.invalid:8080/nbp/snponly.efi'),
      'dhcp-boot=tag:ipxe,http://boot.lab.invalid:8080/boot.ipxe',
    ]),
    change: async (site) => {
      // A DNS server without names, at the address of option 6.
      const args = ['--keep-in-foreground', '--no-daemon', '--no-resolv', '--no-hosts', '--port=53', '--user=root']
      const dns = startIn(site.net.lan, 'dnsmasq', [...args, '--conf-file=/dev/null', '--local=/#/', '--pid-file'])
      await site.keep(dns).waitFor(/started/, 5000)
      return undefined
    },
    screens: {
      httpBoot: ['Error: Could not retrieve NBP file size from HTTP server.', 'Error: Server response timeout.'],
      ipxe: ['Error 0x3e11613b (http://ipxe.org/3e11613b)'],
    },
  },
  {
    name: 'dns-silent',
    broken: 'the boot URLs have a host name, and no DNS server answers at the address of option 6',
    finding: 'BW-DNS',
    dhcp: dnsmasq([
      ...firmwareTags,
      ...tftpRules(),
      ...httpBootRules('http://boot.lab.test:8080/nbp/snponly.efi'),
      'dhcp-boot=tag:ipxe,http://boot.lab.test:8080/boot.ipxe',
      'dhcp-option-force=option:dns-server,10.99.0.77',
    ]),
    screens: {
      httpBoot: ['Error: Could not retrieve NBP file size from HTTP server.', 'Error: Server response timeout.'],
      ipxe: ['ipxe.org/4c116035'],
    },
  },
]

async function editNbp(folder: string, name: string, edit: (bytes: Buffer) => Buffer): Promise<void> {
  const file = join(folder, name)
  await writeFile(file, edit(await readFile(file)))
}
