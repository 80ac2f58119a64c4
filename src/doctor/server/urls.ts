// Boot HTTP as machines reach it, and settings that do not fit together.
import { listReachableAddresses } from '../../lib/net/own-addresses.ts'
import { subnetTest } from '../../lib/subnet.ts'
import { type Finding, fault, pass } from '../finding.ts'
import { fetchHttp } from '../network/http.ts'
import type { ServerContext } from './context.ts'

const loopback = subnetTest(['127.0.0.0/8', '::1/128'])

/** Whether the base URL, or the address of the listener, gives the bootstrap. */
export async function checkBaseUrl({ baseUrl, bootUrl, bootSubnets }: ServerContext): Promise<Finding[]> {
  const url = baseUrl ?? bootUrl
  const subject = { check: 'base URL', where: baseUrl === undefined ? url : `BOOTWRIGHT_BASE_URL=${url}` }
  const { hostname, protocol } = new URL(url)
  if (baseUrl !== undefined && (loopback(hostname) || hostname === 'localhost'))
    return [fault(subject, 'BW-BASE-URL', 'the host is this computer itself, which machines cannot reach')]
  const result = await fetchHttp(`${url}/boot.ipxe`)
  if (result.outcome === 'dns') return [fault(subject, 'BW-DNS', result.message)]
  if (result.outcome === 'failed')
    return [fault(subject, baseUrl === undefined ? 'BW-HTTP-BLOCKED' : 'BW-BASE-URL', result.message)]
  // The own address need not be among the subnets of machines.
  if (result.status === 403 && bootSubnets.length > 0)
    return [pass(subject, 'it answers; this computer is not in BOOTWRIGHT_BOOT_SUBNETS')]
  if (result.status !== 200 || !result.bytes.toString('utf8').startsWith('#!ipxe'))
    return [fault(subject, 'BW-BASE-URL', `it answers ${result.status}, and not with the bootstrap of Bootwright`)]
  if (protocol === 'https:')
    return [
      fault(subject, 'BW-SETTINGS', 'https works only with an iPXE that has HTTPS and trusts the certificate', {
        state: 'warning',
        todo: ['Test one machine of each kind, or use http in `BOOTWRIGHT_BASE_URL`.'],
      }),
    ]
  return [pass(subject, 'it gives the bootstrap')]
}

/** Settings that are valid alone, but stop machines together. */
export async function checkSettings(context: ServerContext): Promise<Finding[]> {
  const { boot, tftp, proxyDhcp, bootSubnets, baseUrl } = context
  const subject = { check: 'settings', where: 'the environment of the server' }
  const addresses = listReachableAddresses()
  const findings: Finding[] = []
  const add = (where: string, seen: string, state: 'error' | 'warning' = 'error') =>
    findings.push(fault({ ...subject, where }, 'BW-SETTINGS', seen, { state }))
  if (loopback(boot.host) && baseUrl === undefined)
    add('BOOTWRIGHT_BOOT_LISTEN', `${boot.host}: machines cannot reach this address`)
  if (tftp.configured !== undefined && loopback(tftp.configured.host))
    add('BOOTWRIGHT_TFTP_LISTEN', `${tftp.configured.host}: machines cannot reach this address`)
  const allows = subnetTest(bootSubnets)
  for (const device of proxyDhcp) {
    const own = addresses.filter((address) => address.device === device)
    if (own.length === 0) add('BOOTWRIGHT_PROXY_DHCP', `${device} has no IPv4 address`)
    else if (!own.some(({ address }) => allows(address)))
      add('BOOTWRIGHT_BOOT_SUBNETS', `the subnet of ${device} is not among them, so its machines are refused`)
    else if (boot.host !== '0.0.0.0' && boot.host !== '::' && !own.some(({ address }) => address === boot.host))
      add('BOOTWRIGHT_BOOT_LISTEN', `${boot.host} is not an address of ${device}, where proxyDHCP answers`, 'warning')
  }
  return findings.length > 0 ? findings : [pass(subject, 'no contradictions')]
}
