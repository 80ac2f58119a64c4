// Recognizes other DHCP and boot servers by the packets that pass. Pure.
import { bootClassOf } from '../lib/dhcp/boot-client.ts'
import { messageTypes, optionCodes } from '../lib/dhcp/option-codes.ts'
import { addressOption, type DhcpPacket, macOf, messageTypeOf, textOption } from '../lib/dhcp/packet.ts'
import type { Mac } from '../lib/ids/mac.ts'
import type { ServerSighting } from '../model/foreign-server.ts'

/** The server that a packet shows; undefined if it shows none besides this one. */
export function sightingOf(packet: DhcpPacket, device: string, ownAddresses: string[]): ServerSighting | undefined {
  const address = addressOption(packet, optionCodes.serverId)
  if (address === undefined || ownAddresses.includes(address)) return undefined
  const seen = { address, interface: device, client: macOf(packet) }
  const type = messageTypeOf(packet)
  // RFC 2132 9.7: a client names the server whose offer it accepts.
  if (packet.op === 1) return type === messageTypes.request ? { ...seen, role: 'dhcp', evidence: 'request' } : undefined
  if (type !== messageTypes.offer && type !== messageTypes.ack) return undefined
  // A server that gives no address answers only for boot programs, as a proxyDHCP server (PXE specification 2.1, 2.2.3). The
  // acknowledgement of a DHCPINFORM gives no address either, but its server has no PXE class.
  const isBoot = packet.yiaddr === '0.0.0.0' && bootClassOf(packet) !== undefined
  const file = textOption(packet, optionCodes.bootFile) ?? packet.file
  return {
    ...seen,
    role: isBoot ? 'boot' : 'dhcp',
    evidence: type === messageTypes.offer ? 'offer' : 'ack',
    ...(file !== '' && { file }),
  }
}

/** A lease that a client accepts from a DHCP server. It ties the client's MAC to an address. */
export type AcceptedLease = { mac: Mac; address: string; server: string }

/** The lease that a client of network boot accepts with its REQUEST (RFC 2131 4.3.2). */
export function acceptedLeaseOf(packet: DhcpPacket): AcceptedLease | undefined {
  if (packet.op !== 1 || messageTypeOf(packet) !== messageTypes.request) return undefined
  if (bootClassOf(packet) === undefined) return undefined
  const mac = macOf(packet)
  const address = addressOption(packet, optionCodes.requestedAddress)
  const server = addressOption(packet, optionCodes.serverId)
  return mac === undefined || address === undefined || server === undefined ? undefined : { mac, address, server }
}
