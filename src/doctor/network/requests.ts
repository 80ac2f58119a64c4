// The packets of a PXE client. Pure, but for random numbers.
import { randomBytes } from 'node:crypto'
import { bootClasses } from '../../lib/dhcp/boot-client.ts'
import { messageTypes, optionCodes } from '../../lib/dhcp/option-codes.ts'
import { broadcastFlag, type DhcpPacket } from '../../lib/dhcp/packet.ts'
import type { Client } from './firmware-takes.ts'

/** The identity of one run. Its hardware address is locally administered, so that it takes at most one address of a pool. */
export type ProbeIdentity = { chaddr: Buffer; uuid: Buffer }

export function createIdentity(): ProbeIdentity {
  return { chaddr: Buffer.concat([Buffer.from([2]), randomBytes(5)]), uuid: randomBytes(16) }
}

/** The options that EDK2 asks for (PxeBcDhcp4.c, mInterestedDhcp4Tags), and those of iPXE and of DNS. */
const parameterList = [1, 3, 6, 12, 13, 15, 17, 43, 54, 60, 66, 67, 97, 128, 129, 130, 131, 132, 133, 134, 135, 175]

/**
 * A DISCOVER with the broadcast flag, so that answers arrive although another DHCP client holds port 68 (RFC 2131 4.1).
 * @param giaddr the own address, to ask as a relay; answers then come to port 67 of it
 */
export function formatDiscover(client: Client, identity: ProbeIdentity, xid: number, giaddr?: string): DhcpPacket {
  const packet = requestOf(client, identity, xid, messageTypes.discover)
  return giaddr === undefined ? packet : { ...packet, flags: 0, hops: 1, giaddr }
}

/** A REQUEST to port 4011 of a boot server, which gives no address (PXE 2.1, 2.2.3). */
export function formatBootRequest(client: Client, identity: ProbeIdentity, xid: number, ciaddr: string): DhcpPacket {
  return { ...requestOf(client, identity, xid, messageTypes.request), flags: 0, ciaddr }
}

/** An INFORM: a server answers it with its options, without an address of its pool (RFC 2131 3.4). */
export function formatInform(identity: ProbeIdentity, xid: number, ciaddr: string): DhcpPacket {
  const options = new Map([
    [optionCodes.messageType, Buffer.from([messageTypes.inform])],
    [optionCodes.parameterList, Buffer.from([1, 3, 6, 15])],
  ])
  return { ...emptyPacket(identity, xid), flags: 0, ciaddr, options }
}

function requestOf({ kind, isIpxe }: Client, identity: ProbeIdentity, xid: number, type: number): DhcpPacket {
  const arch = Buffer.alloc(2)
  arch.writeUInt16BE(kind.code)
  const isHttp = kind.transport === 'http' && !isIpxe
  const vendorClass = `${bootClasses[isHttp ? 'http' : 'pxe']}:Arch:${String(kind.code).padStart(5, '0')}:UNDI:003016`
  const options = new Map<number, Buffer>([
    [optionCodes.messageType, Buffer.from([type])],
    [optionCodes.maxMessageSize, Buffer.from([1472 >> 8, 1472 & 0xff])],
    [optionCodes.parameterList, Buffer.from(parameterList)],
    [optionCodes.vendorClass, Buffer.from(vendorClass, 'latin1')],
    [optionCodes.clientArch, arch],
    [optionCodes.clientInterface, Buffer.from([1, 3, 16])],
    [optionCodes.clientUuid, Buffer.concat([Buffer.from([0]), identity.uuid])],
  ])
  if (isIpxe) {
    options.set(optionCodes.userClass, Buffer.from('iPXE', 'latin1'))
    // Features of iPXE (src/include/ipxe/features.h): HTTP, DNS, TFTP, EFI or bzImage.
    options.set(optionCodes.ipxe, Buffer.from([19, 1, 1, 23, 1, 1, 36, 1, 1, 235, 3, 1, 21, 1]))
  }
  return { ...emptyPacket(identity, xid), options }
}

function emptyPacket({ chaddr }: ProbeIdentity, xid: number): DhcpPacket {
  const none = '0.0.0.0'
  return {
    ...{ op: 1, htype: 1, hops: 0, xid, secs: 0, flags: broadcastFlag },
    ...{ ciaddr: none, yiaddr: none, siaddr: none, giaddr: none },
    ...{ chaddr, sname: '', file: '', options: new Map() },
  }
}
