// The networks of this computer, to which magic packets can be sent.
import type { OwnAddress } from '../../lib/net/own-addresses.ts'
import { isIpv4, subnetTest } from '../../lib/subnet.ts'

/** A network of this computer: the interface, the address to send from, and the address that all its hosts hear. */
export type WakeNetwork = { device: string; address: string; broadcast: string; subnet: string }

/**
 * The networks to wake a machine on: the network of its last address, if this computer has it; otherwise all. Networks without a
 * broadcast address (`/31`, `/32`) and loopback are left out.
 * @param lastIp the last reported IP address of the machine
 */
export function wakeNetworks(own: OwnAddress[], lastIp: string | undefined): WakeNetwork[] {
  const all = own.flatMap(({ device, address, subnet, internal }) => {
    const broadcast = internal ? undefined : broadcastOf(subnet)
    return broadcast === undefined ? [] : [{ device, address, broadcast, subnet }]
  })
  const nearest = all.filter(({ subnet }) => lastIp !== undefined && isIpv4(lastIp) && subnetTest([subnet])(lastIp))
  return nearest.length > 0 ? nearest : all
}

/** The last address of a subnet; undefined if the subnet has no address for all hosts. */
export function broadcastOf(subnet: string): string | undefined {
  const [address = '', length] = subnet.split('/')
  const bits = 32 - Number(length)
  if (!isIpv4(address) || !(bits >= 2)) return undefined
  const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const last = number - (number % 2 ** bits) + 2 ** bits - 1
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join('.')
}
