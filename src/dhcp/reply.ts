// The packets of the proxyDHCP server. Pure.
import { bootClasses } from '../lib/dhcp/boot-client.ts'
import { dhcpPorts, ipxeOptionCodes, messageTypes, optionCodes, pxeOptionCodes } from '../lib/dhcp/option-codes.ts'
import {
  addressBytes,
  type DhcpPacket,
  formatDhcp,
  formatOptions,
  maxFileBytes,
  messageTypeOf,
  subOptions,
} from '../lib/dhcp/packet.ts'
import { type Client, uuidBytesOf } from './client.ts'

/** A datagram, the port that sends it, and its destination. */
export type Reply = { datagram: Buffer; fromPort: 67 | 4011; to: { address: string; port: number } }

/** What a reply tells the firmware. */
export type ReplyContents = {
  /** This server's address on the network of the client. */
  serverAddress: string
  /** The name of a file on this server's TFTP, or a URL. */
  bootFile: string
  /** Option 43 with discovery control: the firmware takes the file at once (PXE specification 2.1, table 2-1: option 6, bit 3). */
  isPxe10: boolean
}

const none = '0.0.0.0'
const broadcast = '255.255.255.255'
const maxOptionBytes = 255
/** DHCP servers have the priority 0. */
const ipxePriority = formatOptions(new Map([[ipxeOptionCodes.priority, Buffer.from([1])]]))
/** RFC 2131 2: every client takes an IP packet of 576 bytes. 28 of them are the headers of IP and UDP. */
const minMessageBytes = 576
const headerBytes = 28

/** A reply; undefined if it is larger than the client accepts. It never contains an address for the client, nor a lease. */
export function formatReply(client: Client, contents: ReplyContents): Reply | undefined {
  const { packet, arrival } = client
  const { serverAddress, bootFile } = contents
  if (bootFile.length > maxOptionBytes) return undefined
  const isOffer = messageTypeOf(packet) === messageTypes.discover
  const reply: DhcpPacket = {
    op: 2,
    htype: packet.htype,
    hops: 0,
    xid: packet.xid,
    secs: 0,
    flags: packet.flags,
    // RFC 2131, table 3: 0 in an offer, the client's own address in an acknowledgement.
    ciaddr: isOffer ? none : packet.ciaddr,
    // An offer with yiaddr 0 is one of a proxy (EDK2, PxeBcDhcp4.c).
    yiaddr: none,
    // The TFTP server. iPXE ignores an answer without siaddr or file (ipxe#954).
    siaddr: serverAddress,
    giaddr: packet.giaddr,
    chaddr: packet.chaddr,
    sname: '',
    // EDK2 prefers option 67 and iPXE this field, so both hold the same. A longer URL is only in option 67.
    file: bootFile.length <= maxFileBytes ? bootFile : '',
    options: optionsOf(client, contents, isOffer),
  }
  const datagram = formatWithin(reply, maxBytesOf(packet))
  if (datagram === undefined) return undefined
  return { datagram, fromPort: arrival.port, to: destinationOf(client) }
}

function optionsOf(client: Client, { serverAddress, bootFile, isPxe10 }: ReplyContents, isOffer: boolean) {
  const { packet, kind } = client
  const text = (value: string) => Buffer.from(value, 'latin1')
  const options = new Map<number, Buffer>([
    [optionCodes.messageType, Buffer.from([isOffer ? messageTypes.offer : messageTypes.ack])],
    // EDK2 drops offers without option 54 in silence (Dhcp4Io.c). iPXE takes it as the address of the proxy.
    [optionCodes.serverId, addressBytes(serverAddress)],
    // Firmware takes a proxy offer only with the class that it asked with. iPXE takes only PXEClient (dhcp.c).
    [optionCodes.vendorClass, text(bootClasses[kind === 'http' ? 'http' : 'pxe'])],
  ])
  const uuid = uuidBytesOf(packet)
  // PXE specification 2.1, table 2-1: the server returns the client's identifier.
  if (uuid !== undefined) options.set(optionCodes.clientUuid, uuid)
  // Otherwise iPXE takes the boot file of a DHCP server that names one (measured: docs/decisions/011-proxy-dhcp.md).
  if (kind === 'ipxe') options.set(optionCodes.ipxe, ipxePriority)
  if (isPxe10) options.set(optionCodes.vendorOptions, vendorOptionsOf(packet))
  // For firmware that reads the TFTP server only here (smee#23).
  if (kind === 'pxe') options.set(optionCodes.tftpServerName, text(serverAddress))
  options.set(optionCodes.bootFile, text(bootFile))
  // RFC 3046 2.2: echoed unchanged, as the last option.
  const relayAgent = packet.options.get(optionCodes.relayAgent)
  if (relayAgent !== undefined) options.set(optionCodes.relayAgent, relayAgent)
  return options
}

function vendorOptionsOf({ options }: DhcpPacket): Buffer {
  const vendor = new Map<number, Buffer>([[pxeOptionCodes.discoveryControl, Buffer.from([8])]])
  // PXE specification 2.1, table 2-1: a boot server returns the boot item that the client asked for.
  const bootItem = subOptions(options.get(optionCodes.vendorOptions) ?? Buffer.alloc(0)).get(pxeOptionCodes.bootItem)
  if (bootItem?.length === 4) vendor.set(pxeOptionCodes.bootItem, bootItem)
  return formatOptions(vendor)
}

/** Leaves out what firmware can do without, until the packet is small enough. */
function formatWithin(reply: DhcpPacket, maxBytes: number): Buffer | undefined {
  for (const code of [undefined, optionCodes.tftpServerName, optionCodes.clientUuid]) {
    if (code !== undefined) reply.options.delete(code)
    const datagram = formatDhcp(reply)
    if (datagram.length <= maxBytes) return datagram
  }
  return undefined
}

/** Option 57 (RFC 2132 9.10). */
function maxBytesOf({ options }: DhcpPacket): number {
  const bytes = options.get(optionCodes.maxMessageSize)
  const announced = bytes?.length === 2 ? bytes.readUInt16BE() : 0
  return Math.max(announced, minMessageBytes) - headerBytes
}

function destinationOf({ packet, arrival: { port, from } }: Client): Reply['to'] {
  // EDK2 asks from port 4011 and BIOS from port 68: each wants the answer there, from port 4011.
  if (port === dhcpPorts.bootServer)
    return { address: from.address === none ? broadcast : from.address, port: from.port }
  // RFC 2131 4.1.
  if (packet.giaddr !== none) return { address: packet.giaddr, port: dhcpPorts.server }
  if (packet.ciaddr !== none) return { address: packet.ciaddr, port: dhcpPorts.client }
  return { address: broadcast, port: dhcpPorts.client }
}
