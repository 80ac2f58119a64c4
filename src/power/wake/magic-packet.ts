// The magic packet of Wake-on-LAN.
import type { Mac } from '../../lib/ids/mac.ts'

/** The magic packet for a MAC: six bytes FF, then the MAC 16 times (AMD, Magic Packet Technology, 20213). */
export function magicPacket(mac: Mac): Buffer {
  const address = Buffer.from(mac.replaceAll(':', ''), 'hex')
  return Buffer.concat([Buffer.alloc(6, 0xff), ...Array<Buffer>(16).fill(address)])
}
