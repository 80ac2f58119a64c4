// Recognizes clients that boot from a network. Pure.
import { optionCodes } from './option-codes.ts'
import { type DhcpPacket, textOption } from './packet.ts'

/** The beginnings of option 60, of requests and of their answers (PXE specification 2.1, table 2-1; UEFI 2.10, 24.7.2). */
export const bootClasses = { pxe: 'PXEClient', http: 'HTTPClient' } as const
export type BootClass = keyof typeof bootClasses

/** The class of a packet of network boot; undefined for ordinary DHCP. */
export function bootClassOf(packet: DhcpPacket): BootClass | undefined {
  const vendorClass = textOption(packet, optionCodes.vendorClass) ?? ''
  if (vendorClass.startsWith(bootClasses.pxe)) return 'pxe'
  return vendorClass.startsWith(bootClasses.http) ? 'http' : undefined
}

/**
 * iPXE sends option 175, and its user class as plain text, not in the form of RFC 3004 (src/net/udp/dhcp.c). A DHCP server may
 * have taught it the standard form.
 */
export function isIpxe({ options }: DhcpPacket): boolean {
  const userClass = options.get(optionCodes.userClass)?.toString('latin1')
  return options.has(optionCodes.ipxe) || userClass === 'iPXE' || userClass === '\x04iPXE'
}
