// Recognizes the client of a DHCP packet. Pure.
import { bootClassOf, isIpxe } from '../lib/dhcp/boot-client.ts'
import { messageTypes, optionCodes } from '../lib/dhcp/option-codes.ts'
import { addressOption, archesOf, type DhcpPacket, macOf, messageTypeOf, textOption } from '../lib/dhcp/packet.ts'
import type { Mac } from '../lib/ids/mac.ts'
import { formatUuid } from '../lib/ids/uuid.ts'
import { isHostAddress } from '../lib/subnet.ts'
import { type FirmwareKind, findFirmwareKind } from '../model/firmware/kinds.ts'
import { type Ignored, ignore } from './ignored.ts'

/** Where a packet arrived: at the port of DHCP servers (67), or of boot servers (4011). */
export type Arrival = {
  port: 67 | 4011
  device: string
  from: { address: string; port: number }
  /** This server's addresses on the interface. */
  ownAddresses: string[]
  /** Whether an address is in a subnet of the interface. */
  isNear: (address: string) => boolean
}

/** A client that wants to boot from the network. */
export type Client = {
  /** `pxe`: firmware that loads by TFTP. `http`: UEFI HTTP Boot. `ipxe`: iPXE, from whatever it was loaded. */
  kind: 'pxe' | 'http' | 'ipxe'
  packet: DhcpPacket
  arrival: Arrival
  /** Undefined for hardware without one, such as InfiniBand. */
  mac: Mac | undefined
  /** In the byte order of the packet. */
  uuid: string | undefined
  /** Undefined only for iPXE on hardware that Bootwright does not know. */
  firmware: FirmwareKind | undefined
  /** The first value of option 93. */
  code: number | undefined
}

/** Apple's Boot Service Discovery Protocol, of Intel Macs before the T2 chip. */
const appleClass = 'AAPLBSDPC'

/** Prefixes of the MAC addresses of Raspberry Pi (IEEE: Raspberry Pi Foundation and Raspberry Pi Trading). */
const raspberryPrefixes = ['b8:27:eb', 'dc:a6:32', 'e4:5f:01', '28:cd:c1', 'd8:3a:dd', '2c:cf:67']
/** A Raspberry Pi 5 sends 0; IANA has 41 for its boot ROM. With UEFI firmware on it, a Raspberry Pi sends 11. */
const raspberryRomCodes = [0, 41]

/** The client of a packet, or why it gets no answer. */
export function recognizeClient(packet: DhcpPacket, arrival: Arrival): Client | Ignored {
  const otherMessage = whyOtherMessage(packet, arrival)
  if (otherMessage !== undefined) return otherMessage
  const vendorClass = textOption(packet, optionCodes.vendorClass) ?? ''
  if (vendorClass.startsWith(appleClass))
    return ignore('apple', 'a Mac that asks for Apple NetBoot (BSDP): not supported')
  const bootClass = bootClassOf(packet)
  if (bootClass === undefined)
    return ignore('not-network-boot', 'an ordinary DHCP client: option 60 is neither PXEClient nor HTTPClient')

  const mac = macOf(packet)
  if (packet.chaddr.length === 6 && mac === undefined)
    return ignore('bad-mac', 'the hardware address is not one of a single machine')
  const badAddress = [packet.giaddr, packet.ciaddr].find((address) => address !== none && !isHostAddress(address))
  if (badAddress !== undefined)
    return ignore('bad-address', `${badAddress}, as the address of the relay or the client, is not one of a host`)
  // Answers go to this address: a forged packet must not send them to a computer elsewhere.
  if (arrival.port === 67 && packet.giaddr === none && packet.ciaddr !== none && !arrival.isNear(packet.ciaddr))
    return ignore('bad-address', `${packet.ciaddr}, as the address of a client without a relay, is of another subnet`)

  const codes = codesOf(packet, vendorClass)
  // RFC 4578 2.1: option 93 may name several architectures.
  const firmware = codes.map(findFirmwareKind).find((kind) => kind !== undefined)
  const client = { packet, arrival, mac, uuid: uuidOf(packet), firmware, code: firmware?.code ?? codes[0] }
  // iPXE that UEFI HTTP Boot loaded still says PXEClient and the code of the firmware: its own signs come first.
  if (isIpxe(packet)) return { ...client, kind: 'ipxe' }
  if (isRaspberryRom(mac, codes[0]))
    return ignore(
      'raspberry-pi',
      'the boot ROM of a Raspberry Pi: it starts no boot program. Install UEFI firmware on the Pi to boot it from here',
    )
  if (firmware === undefined && codes.length > 0)
    return ignore('unknown-arch', `firmware of kind ${codes.join(', ')} in option 93 is unknown`)
  if (firmware === undefined) return ignore('no-arch', 'neither option 93 nor option 60 names an architecture')
  return { ...client, kind: bootClass }
}

const none = '0.0.0.0'

/** Which messages are for a proxyDHCP server: all others are for the DHCP server of the network, which alone gives addresses. */
function whyOtherMessage(packet: DhcpPacket, { port, ownAddresses }: Arrival): Ignored | undefined {
  if (packet.op !== 1) return ignore('not-from-client', 'a message of a DHCP server')
  const { discover, request, inform } = messageTypes
  const type = messageTypeOf(packet)
  // PXE specification 2.1, 2.2.4: the boot server at port 4011 gets DHCPREQUEST. BIOS ROMs may send DHCPINFORM.
  if (port === 4011)
    return type === request || type === inform ? undefined : ignore('other-message', 'not a request to a boot server')
  if (type === discover) return undefined
  if (type !== request) return ignore('other-message', 'neither a DISCOVER nor a request to a boot server')
  // RFC 2131 4.3.2: option 54 names the server whose offer the client accepts.
  const server = addressOption(packet, optionCodes.serverId)
  if (server !== undefined && ownAddresses.includes(server)) return undefined
  return ignore(
    'other-server',
    `a request to ${server === undefined ? 'any DHCP server' : `the DHCP server ${server}`}`,
  )
}

/** Option 93, or the number in option 60 (`PXEClient:Arch:00007:UNDI:003000`), if option 93 is missing. */
function codesOf(packet: DhcpPacket, vendorClass: string): number[] {
  const codes = archesOf(packet)
  const [, digits] = /:Arch:(\d{1,5})/.exec(vendorClass) ?? []
  return codes.length === 0 && digits !== undefined ? [Number(digits)] : codes
}

function isRaspberryRom(mac: Mac | undefined, code: number | undefined): boolean {
  if (code === 41) return true
  return mac !== undefined && raspberryPrefixes.includes(mac.slice(0, 8)) && raspberryRomCodes.includes(code ?? 0)
}

/** RFC 4578 2.3: one byte of type 0, then 16 bytes. Firmware that sends another length boots all the same. */
export function uuidBytesOf({ options }: DhcpPacket): Buffer | undefined {
  const bytes = options.get(optionCodes.clientUuid)
  return bytes?.length === 17 && bytes[0] === 0 ? bytes : undefined
}

function uuidOf(packet: DhcpPacket): string | undefined {
  const bytes = uuidBytesOf(packet)
  return bytes === undefined ? undefined : formatUuid(bytes.toString('hex', 1))
}
