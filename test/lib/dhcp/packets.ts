import { optionCodes } from '../../../src/lib/dhcp/option-codes.ts'
import type { DhcpPacket } from '../../../src/lib/dhcp/packet.ts'

/** A packet of a client without options; `fields` replaces fields. */
export function clientPacket(fields: Partial<DhcpPacket> = {}): DhcpPacket {
  return {
    op: 1,
    htype: 1,
    hops: 0,
    xid: 0x12345678,
    secs: 4,
    flags: 0x8000,
    ciaddr: '0.0.0.0',
    yiaddr: '0.0.0.0',
    siaddr: '0.0.0.0',
    giaddr: '0.0.0.0',
    chaddr: Buffer.from('525400123456', 'hex'),
    sname: '',
    file: '',
    options: new Map(),
    ...fields,
  }
}

/** Options from bytes or latin1 text. */
export function optionsOf(list: [code: number, value: number[] | string | Uint8Array][]): Map<number, Buffer> {
  return new Map(
    list.map(([code, value]) => [code, typeof value === 'string' ? Buffer.from(value, 'latin1') : Buffer.from(value)]),
  )
}

/** The datagram of a packet whose fields after the fixed header are given as raw bytes. */
export function rawDatagram(areas: { options: number[]; file?: number[]; sname?: number[] }): Buffer {
  const head = Buffer.alloc(240)
  head.set([1, 1, 6, 0, 0x12, 0x34, 0x56, 0x78])
  head.set([0x52, 0x54, 0, 0x12, 0x34, 0x56], 28)
  head.set(areas.sname ?? [], 44)
  head.set(areas.file ?? [], 108)
  head.set([99, 130, 83, 99], 236)
  return Buffer.concat([head, Buffer.from(areas.options)])
}

/** A DHCPDISCOVER in the form of EDK2 for x86-64 (NetworkPkg/UefiPxeBcDxe/PxeBcDhcp4.c). */
export const edk2Discover = clientPacket({
  flags: 0,
  options: optionsOf([
    [optionCodes.messageType, [1]],
    [optionCodes.maxMessageSize, [5, 192]],
    [
      optionCodes.parameterList,
      [1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60],
    ],
    [optionCodes.clientUuid, [0, ...Buffer.from('33221100554477668899aabbccddeeff', 'hex')]],
    [optionCodes.clientInterface, [1, 3, 0]],
    [optionCodes.clientArch, [0, 7]],
    [optionCodes.vendorClass, 'PXEClient:Arch:00007:UNDI:003000'],
  ]),
})
