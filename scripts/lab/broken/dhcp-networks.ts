// Networks whose DHCP is broken: no answer, or a wrong one.
import { ip, serverAddress } from '../net.ts'
import { startIn } from '../process.ts'
import type { BrokenNetwork } from './network.ts'
import { firmwareTags, healthyRules, httpBootRules, ipxeRule, tftpRules } from './rules.ts'

/** An address of the LAN that no host has. */
const nobody = '10.99.0.77'
const dnsmasq = (lines: string[]) => ({ server: 'dnsmasq' as const, lines })
/** A mask that puts the boot server into another subnet than the pool. */
const halfSubnet = ['dhcp-option-force=option:netmask,255.255.255.128']
const hex = (text: string) => Buffer.from(text, 'latin1').toString('hex')

export const dhcpNetworks: BrokenNetwork[] = [
  {
    name: 'no-dhcp',
    broken: 'the network has no DHCP server',
    finding: 'BW-DHCP-NO-OFFER',
    dhcp: { server: 'none' },
    screens: {
      uefi: ['PXE-E18: Server response timeout.'],
      httpBoot: ['Error: Could not retrieve NBP file size from HTTP server.', 'Error: Server response timeout.'],
      ipxe: ['No configuration methods succeeded (http://ipxe.org/040ee119)'],
    },
  },
  {
    name: 'dhcp-blocked',
    broken: 'a firewall drops the packets of the DHCP server',
    finding: 'BW-DHCP-NO-OFFER',
    filters: { dhcpServer: ['udp dport 67 drop'] },
  },
  {
    name: 'no-boot-file',
    broken: 'the DHCP server knows nothing of network boot, like the router of a home',
    finding: 'BW-DHCP-NO-FILE',
    dhcp: dnsmasq([]),
    screens: {
      uefi: ['PXE-E16: No valid offer received.'],
      ipxe: ['Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)'],
    },
  },
  {
    name: 'wrong-arch-file',
    broken: 'the DHCP server gives undionly.kpxe to all firmware',
    finding: 'BW-DHCP-WRONG-ARCH',
    dhcp: dnsmasq([`dhcp-boot=tag:!ipxe,undionly.kpxe,,${serverAddress}`, ipxeRule]),
    screens: { uefi: ['NBP file downloaded successfully.', 'BdsDxe: failed to load'] },
  },
  {
    name: 'arm-file-for-x64',
    broken: 'the rules for option 93 are swapped, so that UEFI x86-64 gets the program for arm64',
    finding: 'BW-DHCP-WRONG-ARCH',
    dhcp: dnsmasq([
      ...firmwareTags,
      ...tftpRules({ x64: 'ipxe-arm64.efi', arm64: 'snponly.efi' }),
      ...httpBootRules(),
      ipxeRule,
    ]),
  },
  {
    name: 'option-60-left-behind',
    broken: 'the DHCP server still sends option 60 "PXEClient" of a boot service that is gone',
    finding: 'BW-DHCP-OPTION-60',
    dhcp: dnsmasq([...firmwareTags, 'dhcp-option-force=tag:!http64,tag:!ipxe,60,PXEClient', ipxeRule]),
    screens: { uefi: ['Station IP address is', 'PXE-E16: No valid offer received.'] },
  },
  {
    name: 'next-server-elsewhere',
    broken: 'the next server is the address of an older boot server, which is switched off',
    finding: 'BW-NEXT-SERVER-ELSEWHERE',
    dhcp: dnsmasq([...firmwareTags, ...tftpRules({}, nobody), ...httpBootRules(), ipxeRule]),
    screens: { uefi: ['Server IP address is 10.99.0.77', 'PXE-E18: Server response timeout.'] },
  },
  {
    name: 'next-server-empty',
    broken: 'the DHCP server (Kea) has a boot file, but no next server',
    finding: 'BW-NEXT-SERVER-ELSEWHERE',
    alsoTrue: ['BW-IPXE-LOOP', 'BW-DHCP-WRONG-ARCH'],
    dhcp: { server: 'kea', subnet: { 'boot-file-name': 'snponly.efi' } },
    screens: {
      uefi: ['Server IP address is 10.99.0.1', 'PXE-E99: Unexpected network error.'],
      ipxe: ['Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)'],
    },
  },
  {
    name: 'option-66-only',
    broken: 'the DHCP server (ISC) names the boot server in option 66 only, which UEFI does not read',
    finding: 'BW-NEXT-SERVER-ELSEWHERE',
    alsoTrue: ['BW-IPXE-LOOP', 'BW-DHCP-WRONG-ARCH'],
    dhcp: {
      server: 'isc',
      lines: [
        `option tftp-server-name "${serverAddress}";`,
        'next-server 0.0.0.0;',
        'filename "snponly.efi";',
        'option bootfile-name "snponly.efi";',
      ],
    },
  },
  {
    name: 'same-name-elsewhere',
    broken: 'another TFTP server has a file of the same name, with another program',
    finding: 'BW-NEXT-SERVER-ELSEWHERE',
    state: 'warning',
    dhcp: dnsmasq([...firmwareTags, ...tftpRules({}, '10.99.0.4'), ...httpBootRules(), ipxeRule]),
    change: async (site) => {
      // Bytes after the end of a program change nothing but its checksum.
      const folder = await site.copyNbps((_name, bytes) => Buffer.concat([bytes, Buffer.alloc(512)]))
      await site.addDnsmasq('10.99.0.4', ['enable-tftp', `tftp-root=${folder}`])
      return undefined
    },
  },
  {
    name: 'ipxe-loop',
    broken: 'the DHCP server gives iPXE the same boot program as the firmware before it',
    finding: 'BW-IPXE-LOOP',
    dhcp: dnsmasq([
      ...firmwareTags,
      `dhcp-boot=tag:bios,undionly.kpxe,,${serverAddress}`,
      `dhcp-boot=tag:x64,snponly.efi,,${serverAddress}`,
      `dhcp-boot=tag:arm64,ipxe-arm64.efi,,${serverAddress}`,
      ...httpBootRules(),
    ]),
    screens: { ipxe: ['Filename: undionly.kpxe', '610kB free base memory after PXE unload'] },
  },
  {
    name: 'http-boot-without-option-60',
    broken: 'the DHCP server has a URL for UEFI HTTP Boot, but does not send option 60 "HTTPClient"',
    finding: 'BW-HTTP-BOOT-OFFER',
    dhcp: dnsmasq([
      ...firmwareTags,
      ...tftpRules(),
      `dhcp-boot=tag:http64,http://${serverAddress}:8080/nbp/snponly.efi`,
      ipxeRule,
    ]),
    screens: {
      httpBoot: ['Error: Could not retrieve NBP file size from HTTP server.', 'Error: Server response timeout.'],
    },
  },
  {
    name: 'http-boot-file-name',
    broken: 'the DHCP server sends option 60 "HTTPClient", but a file name instead of a URL',
    finding: 'BW-HTTP-BOOT-OFFER',
    dhcp: dnsmasq([...firmwareTags, ...tftpRules(), ...httpBootRules('snponly.efi'), ipxeRule]),
    screens: { httpBoot: ['Error: Invalid URI address.'] },
  },
  {
    name: 'two-dhcp-servers',
    broken: 'a second DHCP server, which knows nothing of network boot, is on the network',
    finding: 'BW-DHCP-DISAGREE',
    alsoTrue: ['BW-DHCP-NO-FILE'],
    change: async (site) => {
      await site.addDnsmasq('10.99.0.5', ['dhcp-range=10.99.0.210,10.99.0.220,10m'])
      return undefined
    },
  },
  {
    name: 'two-subnets',
    broken: 'a second DHCP server gives addresses of another subnet',
    finding: 'BW-DHCP-DISAGREE',
    alsoTrue: ['BW-IPXE-LOOP', 'BW-DHCP-NO-ROUTE', 'BW-DHCP-WRONG-ARCH', 'BW-HTTP-BOOT-OFFER'],
    change: async (site) => {
      await site.addOdd('10.99.0.5', {
        yiaddr: '192.168.88.50',
        siaddr: serverAddress,
        file: 'snponly.efi',
      })
      return undefined
    },
  },
  {
    name: 'foreign-proxy',
    broken: 'the proxyDHCP server of an older boot service still answers',
    finding: 'BW-FOREIGN-PROXY',
    alsoTrue: ['BW-FOREIGN-SERVER'],
    change: async (site) => {
      await site.addDnsmasq('10.99.0.6', [
        'dhcp-range=10.99.0.0,proxy',
        'enable-tftp',
        `tftp-root=${await site.copyNbps()}`,
        'pxe-service=tag:!ipxe,x86PC,"old",old.0',
        'pxe-service=tag:!ipxe,x86-64_EFI,"old",old.efi',
        'pxe-service=tag:!ipxe,BC_EFI,"old",old.efi',
      ])
      return undefined
    },
    screens: { uefi: ['Server IP address is 10.99.0.6', 'PXE-E23: Client received TFTP error from server.'] },
  },
  {
    name: 'proxy-silent',
    broken: 'a proxyDHCP server offers without a boot file, and a firewall drops port 4011',
    finding: 'BW-PROXY-SILENT',
    alsoTrue: ['BW-FOREIGN-SERVER'],
    dhcp: dnsmasq([...firmwareTags, ...httpBootRules(), ipxeRule]),
    change: async (site) => {
      await site.addOdd('10.99.0.6', { siaddr: '10.99.0.6', options: { 60: hex('PXEClient') } })
      return undefined
    },
    screens: { uefi: ['PXE-E16: No valid offer received.'] },
  },
  {
    name: 'pool-exhausted',
    broken: 'all addresses of the pool are leased',
    finding: 'BW-POOL-EMPTY',
    dhcp: {
      server: 'dnsmasq',
      lines: healthyRules,
      pool: '10.99.0.100,10.99.0.100',
      leases: '0 52:54:00:0b:00:99 10.99.0.100 taken *\n',
    },
    screens: {
      uefi: ['PXE-E18: Server response timeout.'],
      ipxe: ['Nothing to boot: No such file or directory (http://ipxe.org/2d03e13b)'],
    },
  },
  {
    name: 'registered-machines-only',
    broken: 'the DHCP server gives addresses to registered machines only',
    finding: 'BW-POOL-EMPTY',
    dhcp: { server: 'dnsmasq', lines: healthyRules, pool: '10.99.0.0,static' },
  },
  {
    name: 'offer-without-server-id',
    broken: 'the DHCP server answers without option 54',
    finding: 'BW-DHCP-BAD-OFFER',
    dhcp: {
      server: 'odd',
      behaviour: { yiaddr: '10.99.0.150', siaddr: serverAddress, file: 'snponly.efi', hidesServerId: true },
    },
    screens: {
      uefi: ['PXE-E18: Server response timeout.'],
      ipxe: ['No configuration methods succeeded (http://ipxe.org/040ee119)'],
    },
  },
  {
    name: 'quoted-boot-file',
    broken: 'the boot file in the DHCP server has quotation marks around its name',
    finding: 'BW-NBP-MISSING',
    alsoTrue: ['BW-IPXE-LOOP'],
    dhcp: {
      server: 'odd',
      behaviour: { yiaddr: '10.99.0.150', siaddr: serverAddress, options: { 67: hex('"snponly.efi"') } },
    },
  },
  {
    name: 'no-route',
    broken: 'the boot server is in another subnet, and the DHCP server names no router',
    finding: 'BW-DHCP-NO-ROUTE',
    dhcp: {
      server: 'dnsmasq',
      lines: [...halfSubnet, 'dhcp-option=option:router', ...healthyRules],
      pool: '10.99.0.150,10.99.0.200',
    },
    screens: {
      uefi: ['PXE-E53: No boot filename received.'],
      ipxe: ['Network unreachable (http://ipxe.org/280a6011)'],
    },
  },
  {
    name: 'wrong-router',
    broken: 'the boot server is in another subnet, and no host has the address of the router',
    finding: 'BW-DHCP-NO-ROUTE',
    dhcp: {
      server: 'dnsmasq',
      lines: [...halfSubnet, 'dhcp-option=option:router,10.99.0.254', ...healthyRules],
      pool: '10.99.0.150,10.99.0.200',
    },
    screens: { uefi: ['PXE-E18: Server response timeout.'], ipxe: ['Connection timed out (http://ipxe.org/4c0a6035)'] },
  },
  {
    name: 'relay-to-us-only',
    broken: 'the router relays DHCP to Bootwright, and no longer to the DHCP server',
    finding: 'BW-RELAY-TO-US-ONLY',
    dhcp: { server: 'none' },
    settings: { BOOTWRIGHT_PROXY_DHCP: 'eth0' },
    // Bootwright is behind the router: broadcasts of machines do not reach it.
    filters: { lan: ['oifname "srv" udp dport 67 drop'] },
    change: async ({ net, keep }) => {
      const relay = startIn(net.lan, '/usr/sbin/dhcrelay', ['-4', '-d', '--no-pid', '-i', 'br0', serverAddress])
      await keep(relay).waitFor(/Sending on {3}Socket/, 5000)
      return undefined
    },
    screens: {
      uefi: ['PXE-E16: No valid offer received.'],
      ipxe: ['No configuration methods succeeded (http://ipxe.org/040ee119)'],
    },
  },
  {
    name: 'spanning-tree',
    broken: 'the port of the machine waits for spanning tree, 30 seconds after the link is up',
    finding: 'BW-DHCP-NO-OFFER',
    change: async ({ net }) => {
      const bridge = (...words: string[]) => ip('-n', net.lan, 'link', 'set', 'br0', 'type', 'bridge', ...words)
      // Hundredths of a second. A port waits twice: it listens, then it learns (IEEE 802.1D-2004, 17.29).
      bridge('forward_delay', '1500')
      bridge('stp_state', '1')
      restartLink(net.lan, 'doctor')
      return () => {
        bridge('stp_state', '0')
        bridge('forward_delay', '0')
        restartLink(net.lan, 'doctor')
      }
    },
    screens: { ipxe: ['No configuration methods succeeded (http://ipxe.org/040ee119)'] },
  },
]

function restartLink(namespace: string, port: string): void {
  for (const state of ['down', 'up']) ip('-n', namespace, 'link', 'set', port, state)
}
