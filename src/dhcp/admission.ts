// Which clients the settings allow. Pure.
import { subnetTest } from '../lib/subnet.ts'
import type { ProxyMode } from '../model/assignment.ts'
import type { Client } from './client.ts'
import { type Ignored, ignore } from './ignored.ts'

export type AdmissionSettings = {
  /** Empty: all. */
  subnets: string[]
  deniedSubnets: string[]
  /** MACs, or their beginnings such as `52:54:00`. Empty: all. */
  macs: string[]
  deniedMacs: string[]
  watchOnly: boolean
}

/** Returns a test that says why a client gets no answer. `network` is an address of the client's network. */
export function createAdmission(settings: AdmissionSettings): (client: Client, network: string) => Ignored | undefined {
  const isAllowed = subnetTest(settings.subnets)
  const isDenied = settings.deniedSubnets.length === 0 ? () => false : subnetTest(settings.deniedSubnets)
  const matches = (prefixes: string[], mac = '') => prefixes.some((prefix) => mac.startsWith(prefix))
  return ({ mac }, network) => {
    if (isDenied(network)) return ignore('subnet', `BOOTWRIGHT_PROXY_DENY_SUBNETS contains ${network}`)
    if (!isAllowed(network)) return ignore('subnet', `BOOTWRIGHT_PROXY_SUBNETS does not contain ${network}`)
    if (matches(settings.deniedMacs, mac)) return ignore('mac', 'BOOTWRIGHT_PROXY_DENY_MACS contains its MAC')
    if (settings.macs.length > 0 && !matches(settings.macs, mac))
      return ignore('mac', 'BOOTWRIGHT_PROXY_MACS does not contain its MAC')
    if (settings.watchOnly) return ignore('watch-only', 'BOOTWRIGHT_PROXY_WATCH_ONLY is set')
    return undefined
  }
}

/** Returns the mode for an address of the client's network: that of the smallest subnet that contains it, else the default. */
export function createSubnetModes(
  modes: { subnet: string; mode: ProxyMode }[],
  fallback: ProxyMode,
): (network: string) => ProxyMode {
  const prefixOf = (subnet: string) => Number(subnet.split('/')[1])
  const tests = modes
    .toSorted((a, b) => prefixOf(b.subnet) - prefixOf(a.subnet))
    .map(({ subnet, mode }) => ({ contains: subnetTest([subnet]), mode }))
  return (network) => tests.find(({ contains }) => contains(network))?.mode ?? fallback
}
