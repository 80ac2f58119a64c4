// Parses and formats DHCP packets (RFC 2131). Pure. Every byte that is parsed may come from an attacker.
import { type Mac, parseMac } from '../ids/mac.ts'
import { optionCodes } from './option-codes.ts'

/** A DHCP packet. Addresses are dotted text; `0.0.0.0` means none. */
export type DhcpPacket = {
  /** 1: from a client; 2: from a server. */
  op: number
  /** Hardware type: 1 is Ethernet. */
  htype: number
  hops: number
  xid: number
  /** Seconds since the client began. iPXE keeps flags in its two lowest bits (src/net/udp/dhcp.c). */
  secs: number
  flags: number
  ciaddr: string
  yiaddr: string
  siaddr: string
  giaddr: string
  /** The client's hardware address, at most 16 bytes. InfiniBand has none (RFC 4390 2.1). */
  chaddr: Buffer
  /** Empty if the field holds options (RFC 2131 4.1). */
  sname: string
  file: string
  /** By code, in the order of their first piece. The pieces of a long option are joined (RFC 3396 5). */
  options: Map<number, Buffer>
}

/** The flag that asks for answers by broadcast (RFC 2131 2). */
export const broadcastFlag = 0x8000

/** Maximum length of a name in the field `file`, which ends with a zero byte. */
export const maxFileBytes = 127
const maxNameBytes = 63

// A packet of the largest Ethernet frame, and much more than a client may send without an agreement (RFC 2131 2).
const maxPacketBytes = 9000
const snameAt = 44
const fileAt = 108
const cookieAt = 236
const optionsAt = 240
const cookie = 0x63825363
// Some BOOTP clients and relays drop shorter packets (RFC 1542 2.1).
const minPacketBytes = 300
const maxPieceBytes = 255

/**
 * Parses a datagram; undefined if it is not a DHCP packet. Options that do not fit into the datagram are left out, as are bytes
 * past the end option. The result shares memory with the datagram.
 */
export function parseDhcp(datagram: Uint8Array): DhcpPacket | undefined {
  const { length } = datagram
  if (length < optionsAt || length > maxPacketBytes) return undefined
  const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, length)
  const [op = 0, htype = 0, hardwareLength = 0, hops = 0] = bytes
  if ((op !== 1 && op !== 2) || hardwareLength > 16 || bytes.readUInt32BE(cookieAt) !== cookie) return undefined
  const pieces = new Map<number, Buffer[]>()
  collectOptions(bytes.subarray(optionsAt), pieces)
  const overload = pieces.get(optionCodes.overload)?.[0]?.[0] ?? 0
  const fileHoldsOptions = (overload & 1) !== 0
  const snameHoldsOptions = (overload & 2) !== 0
  // The order of RFC 3396 5: options, file, sname.
  if (fileHoldsOptions) collectOptions(bytes.subarray(fileAt, cookieAt), pieces)
  if (snameHoldsOptions) collectOptions(bytes.subarray(snameAt, fileAt), pieces)
  pieces.delete(optionCodes.overload)
  return {
    op,
    htype,
    hops,
    xid: bytes.readUInt32BE(4),
    secs: bytes.readUInt16BE(8),
    flags: bytes.readUInt16BE(10),
    ciaddr: addressAt(bytes, 12),
    yiaddr: addressAt(bytes, 16),
    siaddr: addressAt(bytes, 20),
    giaddr: addressAt(bytes, 24),
    chaddr: bytes.subarray(28, 28 + hardwareLength),
    sname: snameHoldsOptions ? '' : zeroEnded(bytes.subarray(snameAt, fileAt)),
    file: fileHoldsOptions ? '' : zeroEnded(bytes.subarray(fileAt, cookieAt)),
    options: joinPieces(pieces),
  }
}

/**
 * Formats a packet of at least 300 bytes, its options in the order of the map. Options over 255 bytes are split (RFC 3396).
 * @throws RangeError if a name or an option does not fit
 */
export function formatDhcp(packet: DhcpPacket): Buffer {
  const head = Buffer.alloc(optionsAt)
  head.set([packet.op, packet.htype, packet.chaddr.length, packet.hops])
  head.writeUInt32BE(packet.xid, 4)
  head.writeUInt16BE(packet.secs, 8)
  head.writeUInt16BE(packet.flags, 10)
  head.set(addressBytes(packet.ciaddr), 12)
  head.set(addressBytes(packet.yiaddr), 16)
  head.set(addressBytes(packet.siaddr), 20)
  head.set(addressBytes(packet.giaddr), 24)
  if (packet.chaddr.length > 16) throw new RangeError(`chaddr: expected at most 16 bytes, got ${packet.chaddr.length}`)
  head.set(packet.chaddr, 28)
  head.set(nameBytes('sname', packet.sname, maxNameBytes), snameAt)
  head.set(nameBytes('file', packet.file, maxFileBytes), fileAt)
  head.writeUInt32BE(cookie, cookieAt)
  const body = formatOptions(packet.options)
  const padding = Buffer.alloc(Math.max(0, minPacketBytes - optionsAt - body.length))
  return Buffer.concat([head, body, padding])
}

/** The sub-options of option 43, 82 or 175, which have the form of options. Sub-options of the same code are joined. */
export function subOptions(bytes: Uint8Array): Map<number, Buffer> {
  const pieces = new Map<number, Buffer[]>()
  collectOptions(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), pieces)
  return joinPieces(pieces)
}

/** Formats options with their end option, for a packet or for option 43 and 175. @throws RangeError for a code outside 1 to 254 */
export function formatOptions(options: Map<number, Uint8Array>): Buffer {
  const parts: Uint8Array[] = []
  for (const [code, value] of options) {
    if (!Number.isInteger(code) || code <= optionCodes.pad || code >= optionCodes.end)
      throw new RangeError(`option: expected a code from 1 to 254, got ${code}`)
    let at = 0
    do {
      const piece = value.subarray(at, at + maxPieceBytes)
      parts.push(Buffer.from([code, piece.length]), piece)
      at += maxPieceBytes
    } while (at < value.length)
  }
  return Buffer.concat([...parts, Buffer.from([optionCodes.end])])
}

/** An option as text, without the zero bytes that some clients add (RFC 2132 2). Undefined if it is absent or empty. */
export function textOption({ options }: DhcpPacket, code: number): string | undefined {
  return options.get(code)?.toString('latin1').replace(/\0+$/, '') || undefined
}

/** The first address of an option; undefined if it is absent or too short. */
export function addressOption({ options }: DhcpPacket, code: number): string | undefined {
  const bytes = options.get(code)
  return bytes === undefined || bytes.length < 4 ? undefined : addressAt(bytes, 0)
}

/** Option 53; undefined in a packet of BOOTP. */
export function messageTypeOf({ options }: DhcpPacket): number | undefined {
  return options.get(optionCodes.messageType)?.[0]
}

const maxArches = 16

/** The architectures of option 93, which may name several (RFC 4578 2.1), in the order of the client. */
export function archesOf({ options }: DhcpPacket): number[] {
  const bytes = options.get(optionCodes.clientArch) ?? Buffer.alloc(0)
  const count = Math.min(maxArches, Math.floor(bytes.length / 2))
  return Array.from({ length: count }, (_, at) => bytes.readUInt16BE(2 * at))
}

/** The client's MAC address; undefined if it is not one of Ethernet, or one that no single machine can have. */
export function macOf({ chaddr }: DhcpPacket): Mac | undefined {
  return chaddr.length === 6 ? parseMac(chaddr.toString('hex')) : undefined
}

/** The four bytes of an address. @throws RangeError for text that is not an IPv4 address */
export function addressBytes(address: string): Buffer {
  const parts = address.split('.').map(Number)
  if (parts.length !== 4 || !parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255))
    throw new RangeError(`address: expected an IPv4 address, got ${JSON.stringify(address)}`)
  return Buffer.from(parts)
}

function addressAt(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.')
}

function zeroEnded(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end)
}

function nameBytes(field: string, name: string, maxBytes: number): Buffer {
  const bytes = Buffer.from(name, 'latin1')
  if (bytes.length > maxBytes || bytes.includes(0))
    throw new RangeError(`${field}: expected at most ${maxBytes} bytes without zero, got ${JSON.stringify(name)}`)
  return bytes
}

/** Adds the options of one area to `pieces`, up to its end option or to the first option that is longer than the area. */
function collectOptions(area: Buffer, pieces: Map<number, Buffer[]>): void {
  for (let at = 0; at < area.length; ) {
    const code = area[at] as number
    if (code === optionCodes.end) return
    if (code === optionCodes.pad) {
      at += 1
      continue
    }
    const end = at + 2 + (area[at + 1] ?? area.length)
    if (end > area.length) return
    const value = area.subarray(at + 2, end)
    const earlier = pieces.get(code)
    if (earlier === undefined) pieces.set(code, [value])
    else earlier.push(value)
    at = end
  }
}

function joinPieces(pieces: Map<number, Buffer[]>): Map<number, Buffer> {
  const options = new Map<number, Buffer>()
  for (const [code, list] of pieces) options.set(code, list.length === 1 ? (list[0] as Buffer) : Buffer.concat(list))
  return options
}
