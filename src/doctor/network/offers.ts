// Reads offers as a PXE client does. Pure.
import { bootClassOf } from '../../lib/dhcp/boot-client.ts'
import { optionCodes, pxeOptionCodes } from '../../lib/dhcp/option-codes.ts'
import { addressOption, type DhcpPacket, subOptions, textOption } from '../../lib/dhcp/packet.ts'

/** An offer, and the address from which its packet came. */
export type Offer = { from: string; packet: DhcpPacket }

const none = '0.0.0.0'

/** Whether the offer has an address for the client. Without one it is a proxy offer (PXE 2.1, 2.2.1). */
export function givesAddress({ packet }: Offer): boolean {
  return packet.yiaddr !== none
}

/** Option 54, which every DHCP server sends (RFC 2131 4.3.1); otherwise the sender. */
export function serverOf({ from, packet }: Offer): string {
  return addressOption(packet, optionCodes.serverId) ?? from
}

export function vendorClassOf({ packet }: Offer): string {
  return textOption(packet, optionCodes.vendorClass) ?? ''
}

export function isPxe(offer: Offer): boolean {
  return bootClassOf(offer.packet) === 'pxe'
}

/** The boot file in option 67 and in the field `file`. */
export function fileNames({ packet }: Offer): { option: string | undefined; field: string | undefined } {
  return { option: textOption(packet, optionCodes.bootFile), field: packet.file || undefined }
}

/** The sub-options of option 43; empty without it. */
export function pxeOptions({ packet }: Offer): Map<number, Buffer> {
  return subOptions(packet.options.get(optionCodes.vendorOptions) ?? Buffer.alloc(0))
}

/**
 * A PXE offer with the sub-options of PXE: EDK2 calls it PXE10, and one without them BINL (PxeBcDhcp4.c,
 * PxeBcParseDhcp4Packet).
 */
export function hasPxeOptions(offer: Offer): boolean {
  const options = pxeOptions(offer)
  const { discoveryControl, multicastAddress, bootServers, bootMenu, menuPrompt } = pxeOptionCodes
  return [discoveryControl, multicastAddress, bootServers, bootMenu, menuPrompt].some((code) => options.has(code))
}

/** The TFTP server as EDK2 takes it: the first address of sub-option 8 if bit 2 of 6 is set, else siaddr, else option 54. */
export function tftpServerOf(offer: Offer): string {
  const { packet } = offer
  return packet.siaddr === none ? serverOf(offer) : packet.siaddr
}

/** The network of an address: `10.99.0.0` for 10.99.0.50 and 255.255.255.0. */
export function networkOf(address: string, mask: string): string {
  const parts = mask.split('.').map(Number)
  return address
    .split('.')
    .map((part, at) => Number(part) & (parts[at] ?? 0))
    .join('.')
}

/** The addresses of an option such as 3 or 6. */
export function addressList({ options }: DhcpPacket, code: number): string[] {
  const bytes = options.get(code) ?? Buffer.alloc(0)
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, at) => bytes.subarray(4 * at, 4 * at + 4).join('.'))
}
