import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { programDir } from '../../src/lib/program-dir.ts'
import { type FarLan, far, type Net, serverAddress } from './net.ts'
import { type Running, startIn } from './process.ts'

/** Starts a DHCP relay between a far LAN and these servers. It adds option 82 (RFC 3046) and checks it in answers. */
export async function startRelay(lan: FarLan, servers: string[]): Promise<Running> {
  // `-id` names the interface of clients, `-iu` that of servers (dhcrelay(8)).
  const relay = startIn(lan.lan, 'dhcrelay', ['-4', '-d', '-a', '--no-pid', '-id', 'br0', '-iu', 'eth0', ...servers])
  await relay.waitFor(/Sending on\s+Socket\/fallback/, 5000)
  return relay
}

/** Lines for dnsmasq that give addresses to the far LAN too. */
export const farLeases = [
  'dhcp-range=set:far,10.98.0.100,10.98.0.200,255.255.255.0,10m',
  `dhcp-option=tag:far,option:router,${far.routerAddress}`,
]

/** Starts dnsmasq as a second boot server, in proxy mode, with TFTP from this folder. */
export async function startSecondBootServer(namespace: string, workDir: string, nbpDir: string): Promise<Running> {
  const lines = [
    'port=0',
    'user=root',
    'interface=eth0',
    'log-dhcp',
    'enable-tftp',
    `tftp-root=${nbpDir}`,
    'dhcp-range=10.99.0.0,proxy',
    'dhcp-userclass=set:ipxe,iPXE',
    'pxe-service=tag:!ipxe,x86PC,"second",undionly-from-rom.pxe',
    // dnsmasq's names: BC_EFI is code 7, x86-64_EFI is code 9.
    'pxe-service=tag:!ipxe,BC_EFI,"second",snponly.efi',
    'pxe-service=tag:!ipxe,x86-64_EFI,"second",snponly.efi',
    `dhcp-boot=tag:ipxe,http://${serverAddress}:8080/boot.ipxe`,
  ]
  const config = join(workDir, 'second.conf')
  await writeFile(config, `${lines.join('\n')}\n`)
  const args = ['--keep-in-foreground', '--log-facility=-', '--pid-file', `--conf-file=${config}`]
  const running = startIn(namespace, 'dnsmasq', args)
  await running.waitFor(/DHCP, proxy on subnet/, 5000)
  return running
}

const noiseProgram = join(programDir, 'scripts/lab/noise.ts')

/** Starts a program in the LAN that sends hostile packets to ports 67, 4011 and 69, 2000 a second at most, until it is stopped. */
export async function startNoise(net: Net, seed: number): Promise<Running> {
  const args = ['--import', 'tsx', noiseProgram, String(seed), serverAddress]
  const running = startIn(net.lan, process.execPath, args)
  await running.waitFor(/sent/, 20_000)
  return running
}
