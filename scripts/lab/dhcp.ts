import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFirmwareKind, nbpFor } from '../../src/model/firmware/kinds.ts'
import { dhcpAddress, type Net, serverAddress } from './net.ts'
import { type Running, startIn } from './process.ts'

const serverUrl = `http://${serverAddress}:8080`
const bootUrl = `${serverUrl}/boot.ipxe`
/** The boot programs from setup. */
const present = ['undionly.kpxe', 'snponly.efi', 'ipxe.efi', 'ipxe-arm64.efi'].map((name) => ({ name }))

const routerMark = '# A router that knows nothing of network boot.'

/** Boot rules of a site's DHCP server, as lines for dnsmasq(8). */
export const bootRules = {
  /** No rule for network boot, as in the router of a home. */
  router: [routerMark],
  /** The same router, with further lines. */
  routerWith: (...lines: string[]) => [routerMark, ...lines],
  /** The boot program by option 93 (RFC 4578 2.1), over TFTP; the script's address for iPXE. */
  byFirmware: [...[0, 7, 11].flatMap(linesFor), `dhcp-boot=tag:ipxe,${bootUrl}`],
  /**
   * In addition to the rules for PXE: ends HTTP Boot, which OVMF tries next, at once. Without an answer it would wait a
   * minute before it tries the disk.
   */
  httpBootFails: [
    'dhcp-match=set:http64,option:client-arch,16',
    'dhcp-option-force=tag:http64,60,HTTPClient',
    `dhcp-boot=tag:http64,http://${serverAddress}:8080/nbp/none.efi`,
  ],
  /** UEFI HTTP Boot, which ignores an offer without option 60 `HTTPClient` (UEFI 2.10, 24.7.2). */
  httpBoot: [...linesFor(16), `dhcp-boot=tag:ipxe,${bootUrl}`],
  /** The script's address for every client, even for the booted system, as the networks of QEMU and libvirt announce it. */
  urlForEverybody: [`dhcp-boot=${bootUrl}`],
  /** The same file for every client, as in routers with a single field. */
  oneFile: (name: string) => [`dhcp-boot=${name},,${serverAddress}`],
  /** One boot program for firmware, the script's address for iPXE. */
  oneFileAndIpxe: (name: string) => [`dhcp-boot=tag:!ipxe,${name},,${serverAddress}`, `dhcp-boot=tag:ipxe,${bootUrl}`],
}

/** The lines for a kind of firmware, with its default boot program. */
function linesFor(code: number): string[] {
  const tag = `firmware-${code}`
  const match = `dhcp-match=set:${tag},option:client-arch,${code}`
  const nbp = nbpFor(code, present)
  if (findFirmwareKind(code)?.transport !== 'http')
    return [match, `dhcp-boot=tag:!ipxe,tag:${tag},${nbp},,${serverAddress}`]
  return [match, `dhcp-option-force=tag:${tag},60,HTTPClient`, `dhcp-boot=tag:${tag},${serverUrl}/nbp/${nbp}`]
}

const ipxeLines = [
  // Option 77 (RFC 3004) tells iPXE from the firmware that loaded it.
  'dhcp-userclass=set:ipxe,iPXE',
  // A message that no proxyDHCP answer comes (option 175.176) saves three seconds in each boot.
  'dhcp-option-force=tag:ipxe,encap:175,176,1b',
]

/** Starts dnsmasq as the site's DHCP server, without DNS and TFTP. Resolves when it is ready. */
export async function startDhcp(net: Net, workDir: string, rules: string[]): Promise<Running> {
  const lines = [
    'port=0',
    'user=root',
    'interface=br0',
    'dhcp-authoritative',
    'log-dhcp',
    `dhcp-leasefile=${join(workDir, 'leases')}`,
    'dhcp-range=10.99.0.100,10.99.0.200,10m',
    // No server answers at this address, but without one Debian's installer would ask for it.
    `dhcp-option=option:dns-server,${dhcpAddress}`,
    ...(rules[0] === routerMark ? [] : ipxeLines),
    ...rules,
    // These lines save 10 s in each boot: no ping before a lease, and an IPv6 router.
    'no-ping',
    'enable-ra',
    'dhcp-range=fd99::,ra-stateless',
  ]
  const config = join(workDir, 'dnsmasq.conf')
  await writeFile(config, `${lines.join('\n')}\n`)
  await writeFile(join(workDir, 'leases'), '')
  const args = ['--keep-in-foreground', '--log-facility=-', '--pid-file', `--conf-file=${config}`]
  const running = startIn(net.lan, 'dnsmasq', args)
  await running.waitFor(/DHCP, IP range/, 5000)
  return running
}
