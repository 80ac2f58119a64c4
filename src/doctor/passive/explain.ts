// Says in plain words what a DHCP packet means in a network boot. Pure.
import { bootClassOf, isIpxe } from '../../lib/dhcp/boot-client.ts'
import { dhcpPorts, messageTypes, optionCodes, pxeOptionCodes } from '../../lib/dhcp/option-codes.ts'
import { addressOption, archesOf, type DhcpPacket, messageTypeOf, textOption } from '../../lib/dhcp/packet.ts'
import { findFirmwareKind } from '../../model/firmware/kinds.ts'
import {
  fileNames,
  givesAddress,
  hasPxeOptions,
  isPxe,
  type Offer,
  pxeOptions,
  serverOf,
  tftpServerOf,
} from '../network/offers.ts'

/** A packet that was received, and how it came. */
export type Heard = { at: Date; from: string; port: number; packet: DhcpPacket }

/** The client of a packet: `firmware`, `ipxe`, or `other` for an ordinary DHCP client. */
export type ClientKind = 'firmware' | 'ipxe' | 'other'

export function clientKindOf(packet: DhcpPacket): ClientKind {
  if (isIpxe(packet)) return 'ipxe'
  return bootClassOf(packet) === undefined ? 'other' : 'firmware'
}

/** The hardware address with colons; `unknown` if it is empty. */
export function hardwareAddressOf({ chaddr }: DhcpPacket): string {
  return chaddr.length === 0 ? 'unknown' : chaddr.toString('hex').replace(/(..)(?=.)/g, '$1:')
}

/** One sentence about a packet. */
export function explainPacket({ from, port, packet }: Heard): string {
  const text = packet.op === 1 ? explainRequest(packet, port) : explainAnswer({ from, packet })
  const relay = packet.giaddr === '0.0.0.0' ? '' : `, through the relay ${packet.giaddr}`
  return `${text}${relay}`
}

function explainRequest(packet: DhcpPacket, port: number): string {
  const who = whoOf(packet)
  const type = messageTypeOf(packet)
  const server = addressOption(packet, optionCodes.serverId)
  if (port === dhcpPorts.bootServer) return `${who} asks this boot server for its boot file (port 4011)`
  if (type === messageTypes.discover)
    return `${who} asks for an address and a boot file (DISCOVER${progressOf(packet)})`
  if (type === messageTypes.request) {
    const address = addressOption(packet, optionCodes.requestedAddress) ?? packet.ciaddr
    return server === undefined
      ? `${who} renews the address ${address} (REQUEST)`
      : `${who} accepts the address ${address} of the server ${server} (REQUEST${progressOf(packet)})`
  }
  if (type === messageTypes.decline) return `${who} refuses an address, because another computer uses it (DECLINE)`
  if (type === messageTypes.release) return `${who} returns its address ${packet.ciaddr} (RELEASE)`
  if (type === messageTypes.inform) return `${who} asks for options only (INFORM)`
  return `${who} sends a packet of type ${type ?? 'BOOTP'}`
}

function whoOf(packet: DhcpPacket): string {
  const [code] = archesOf(packet)
  const kind = code === undefined ? undefined : (findFirmwareKind(code)?.words ?? `kind ${code}`)
  const vendorClass = textOption(packet, optionCodes.vendorClass)
  switch (clientKindOf(packet)) {
    case 'ipxe':
      return `iPXE${kind === undefined ? '' : ` on ${kind}`}`
    case 'firmware':
      return `firmware (${kind ?? vendorClass})`
    case 'other':
      return `an ordinary DHCP client${vendorClass === undefined ? '' : ` (${vendorClass.slice(0, 40)})`}`
  }
}

/**
 * The try of a client. iPXE keeps its state in `secs` (src/net/udp/dhcp.c): bit 0 means that it has a proxy offer, and bit 1 that
 * it has an offer. The bits above them are the number of the try.
 */
function progressOf(packet: DhcpPacket): string {
  if (clientKindOf(packet) !== 'ipxe') return packet.secs === 0 ? '' : `, after ${packet.secs} s`
  const has = [(packet.secs & 2) === 0 ? undefined : 'an offer', (packet.secs & 1) === 0 ? undefined : 'a proxy offer']
  const offers = has.filter((text) => text !== undefined).join(' and ')
  return `, try ${packet.secs >> 2}${offers === '' ? ', no offer yet' : `, it has ${offers}`}`
}

function explainAnswer(offer: Offer): string {
  const { packet } = offer
  const server = serverOf(offer)
  const type = messageTypeOf(packet)
  if (type === messageTypes.nak) return `the server ${server} refuses the address (NAK)`
  const verb = type === messageTypes.ack ? 'confirms' : 'offers'
  const name = type === messageTypes.ack ? 'ACK' : type === messageTypes.offer ? 'OFFER' : 'BOOTP'
  const what = givesAddress(offer) ? `the address ${packet.yiaddr}` : 'no address'
  return `${givesAddress(offer) ? 'the DHCP server' : 'the boot server'} ${server} ${verb} ${what} and ${bootOf(offer)} (${name})`
}

function bootOf(offer: Offer): string {
  const { option, field } = fileNames(offer)
  const file = option ?? field
  const where = file === undefined || /^[a-z]+:\/\//i.test(file) ? '' : ` from ${tftpServerOf(offer)}`
  const control = pxeOptions(offer).get(pxeOptionCodes.discoveryControl)?.[0]
  const pxe = isPxe(offer)
    ? hasPxeOptions(offer)
      ? `, option 43.6=${control ?? '-'}`
      : ', to be asked on port 4011'
    : ''
  return `${file === undefined ? 'no boot file' : `the boot file ${file}${where}`}${pxe}`
}
