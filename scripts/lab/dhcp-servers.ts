import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DhcpServer } from '../../src/render/dhcp/servers.ts'
import { dhcpAddress, type Net } from './net.ts'
import { type Running, startIn } from './process.ts'

/** A DHCP server of the site, with the text of `bootwright dhcp-config` exactly as printed. */
export type SiteDhcp = { server: Extract<DhcpServer, 'dnsmasq' | 'dnsmasq-proxy' | 'isc' | 'kea'>; text: string }

const firstAddress = '10.99.0.100'
const lastAddress = '10.99.0.200'

/** Starts the site's DHCP server. To the text it adds only what every site adds: interface, subnet and range. */
export async function startSiteDhcp(
  net: Net,
  workDir: string,
  { server, text }: SiteDhcp,
): Promise<Pick<Running, 'stop'>> {
  const file = join(workDir, 'bootwright.conf')
  await writeFile(file, text)
  const started: Running[] = []
  const stop = async () => {
    await Promise.all(started.map((running) => running.stop()))
  }
  try {
    if (server === 'dnsmasq')
      started.push(await startDnsmasq(net.lan, workDir, 'site', [...leases(workDir), `conf-file=${file}`]))
    else started.push(await startDnsmasq(net.lan, workDir, 'routes', routes))
    if (server === 'dnsmasq-proxy') {
      started.push(
        await startDnsmasq(net.lan, workDir, 'site', [...leases(workDir).filter((line) => !routes.includes(line))]),
      )
      started.push(await startDnsmasq(net.server, workDir, 'proxy', [`conf-file=${file}`, 'user=root', 'log-dhcp']))
    }
    if (server === 'isc') started.push(await startIsc(net, workDir, file))
    if (server === 'kea') started.push(await startKea(net, workDir, file))
    return { stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Router advertisements: without them iPXE waits 15 s for IPv6, in each stage. */
const routes = ['port=0', 'user=root', 'interface=br0', 'enable-ra', 'dhcp-range=fd99::,ra-stateless']

function leases(workDir: string): string[] {
  return [
    ...routes,
    'dhcp-authoritative',
    'log-dhcp',
    `dhcp-leasefile=${join(workDir, 'leases')}`,
    `dhcp-range=${firstAddress},${lastAddress},10m`,
    `dhcp-option=option:dns-server,${dhcpAddress}`,
    // No ping before a lease, which saves 3 s.
    'no-ping',
  ]
}

async function startDnsmasq(namespace: string, workDir: string, name: string, lines: string[]): Promise<Running> {
  const config = join(workDir, `dnsmasq-${name}.conf`)
  await writeFile(config, `${lines.join('\n')}\n`)
  await writeFile(join(workDir, 'leases'), '')
  const args = ['--keep-in-foreground', '--log-facility=-', '--pid-file', `--conf-file=${config}`]
  return started(startIn(namespace, 'dnsmasq', args), /started, /)
}

async function startIsc(net: Net, workDir: string, file: string): Promise<Running> {
  const config = join(workDir, 'dhcpd.conf')
  const leaseFile = join(workDir, 'dhcpd.leases')
  await writeFile(leaseFile, '')
  await writeFile(
    config,
    `authoritative;
ping-check false;
include "${file}";
subnet 10.99.0.0 netmask 255.255.255.0 { range ${firstAddress} ${lastAddress}; option domain-name-servers ${dhcpAddress}; }
`,
  )
  const args = ['-4', '-f', '-d', '--no-pid', '-cf', config, '-lf', leaseFile, 'br0']
  return started(startIn(net.lan, 'dhcpd', args), /Server starting service/)
}

async function startKea(net: Net, workDir: string, file: string): Promise<Running> {
  const config = join(workDir, 'kea.conf')
  const runDir = join(workDir, 'kea')
  await mkdir(runDir)
  await writeFile(
    config,
    `{ "Dhcp4": {
<?include "${file}"?>,
"interfaces-config": { "interfaces": [ "br0" ] },
"lease-database": { "type": "memfile", "persist": false },
"loggers": [ { "name": "kea-dhcp4", "severity": "INFO", "output_options": [ { "output": "stdout" } ] } ],
"subnet4": [ { "subnet": "10.99.0.0/24", "pools": [ { "pool": "${firstAddress} - ${lastAddress}" } ],
  "option-data": [ { "name": "domain-name-servers", "data": "${dhcpAddress}" } ] } ]
} }
`,
  )
  const env = { KEA_PIDFILE_DIR: runDir, KEA_LOCKFILE_DIR: runDir }
  return started(startIn(net.lan, 'kea-dhcp4', ['-c', config], env), /DHCP4_STARTED/)
}

async function started(running: Running, ready: RegExp): Promise<Running> {
  try {
    await running.waitFor(ready, 10_000)
    return running
  } catch (error) {
    await running.stop()
    throw error
  }
}
