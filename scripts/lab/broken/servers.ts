// DHCP servers of broken networks, and of hosts that do not belong there.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { programDir } from '../../../src/lib/program-dir.ts'
import { dhcpAddress } from '../net.ts'
import { type Running, startIn } from '../process.ts'
import type { OddBehaviour, SiteDhcp } from './network.ts'

/** Where a server runs. */
export type Place = { namespace: string; device: string; workDir: string }

const usualPool = '10.99.0.100,10.99.0.200'
const readyMs = 10_000

/** Starts the DHCP server of a network; undefined for none. */
export async function startSiteDhcp(place: Place, dhcp: SiteDhcp): Promise<Running | undefined> {
  switch (dhcp.server) {
    case 'none':
      return undefined
    case 'dnsmasq':
      return startDnsmasq(
        place,
        [
          `dhcp-range=${dhcp.pool ?? usualPool},10m`,
          `dhcp-option=option:dns-server,${dhcpAddress}`,
          // Without a router of IPv6, iPXE waits 15 s.
          'enable-ra',
          'dhcp-range=fd99::,ra-stateless',
          ...dhcp.lines,
        ],
        dhcp.leases,
      )
    case 'isc':
      return startIsc(place, dhcp.lines)
    case 'kea':
      return startKea(place, dhcp.subnet)
    case 'odd':
      return startOdd(place, dhcpAddress, dhcp.behaviour)
  }
}

/** Starts dnsmasq with only these lines besides those that any test needs. */
export async function startDnsmasq(
  { namespace, device, workDir }: Place,
  lines: string[],
  leases = '',
): Promise<Running> {
  const config = join(workDir, 'dnsmasq.conf')
  const leaseFile = join(workDir, 'leases')
  const needed = [
    'port=0',
    'user=root',
    `interface=${device}`,
    'bind-dynamic',
    'dhcp-authoritative',
    'log-dhcp',
    `dhcp-leasefile=${leaseFile}`,
    // A ping before each lease would take three seconds.
    'no-ping',
    'dhcp-userclass=set:ipxe,iPXE',
  ]
  await writeFile(leaseFile, leases)
  await writeFile(config, `${[...needed, ...lines].join('\n')}\n`)
  const args = ['--keep-in-foreground', '--log-facility=-', '--pid-file', `--conf-file=${config}`]
  const running = startIn(namespace, 'dnsmasq', args)
  await running.waitFor(/DHCP, |TFTP root/, readyMs)
  return running
}

async function startIsc({ namespace, device, workDir }: Place, lines: string[]): Promise<Running> {
  const config = join(workDir, 'dhcpd.conf')
  const leases = join(workDir, 'dhcpd.leases')
  const text = [
    'authoritative;',
    'ping-check false;',
    'option arch code 93 = unsigned integer 16;',
    'subnet 10.99.0.0 netmask 255.255.255.0 {',
    '  range 10.99.0.100 10.99.0.200;',
    ...lines.map((line) => `  ${line}`),
    '}',
  ]
  await writeFile(config, `${text.join('\n')}\n`)
  await writeFile(leases, '')
  const files = ['-cf', config, '-lf', leases, '-pf', join(workDir, 'dhcpd.pid')]
  const running = startIn(namespace, '/usr/sbin/dhcpd', ['-4', '-f', '-d', '--no-pid', ...files, device])
  await running.waitFor(/Server starting service/, readyMs)
  return running
}

async function startKea({ namespace, device, workDir }: Place, subnet: Record<string, unknown>): Promise<Running> {
  const config = join(workDir, 'kea.json')
  const dhcp4 = {
    'interfaces-config': { interfaces: [device], 'dhcp-socket-type': 'raw' },
    'lease-database': { type: 'memfile', persist: false },
    loggers: [{ name: 'kea-dhcp4', output_options: [{ output: 'stdout' }], severity: 'INFO' }],
    subnet4: [{ id: 1, subnet: '10.99.0.0/24', pools: [{ pool: '10.99.0.100 - 10.99.0.200' }], ...subnet }],
  }
  await writeFile(config, JSON.stringify({ Dhcp4: dhcp4 }))
  const running = startIn(namespace, '/usr/sbin/kea-dhcp4', ['-c', config], {
    KEA_PIDFILE_DIR: workDir,
    KEA_LOCKFILE_DIR: 'none',
  })
  await running.waitFor(/DHCP4_STARTED/, readyMs)
  return running
}

/** Starts the odd server (odd-server.ts) at an address. */
export async function startOdd(
  { namespace, device }: Place,
  address: string,
  behaviour: OddBehaviour,
): Promise<Running> {
  const script = join(programDir, 'scripts/lab/broken/odd-server.ts')
  const args = ['--import', 'tsx', script, device, address, JSON.stringify(behaviour)]
  const running = startIn(namespace, process.execPath, args)
  await running.waitFor(/the odd server is ready/, readyMs)
  return running
}
