import { describe, expect, test } from 'vitest'
import { formatDiscover } from '../../src/doctor/network/requests.ts'
import { concludePackets } from '../../src/doctor/passive/conclude.ts'
import { explainPacket, type Heard } from '../../src/doctor/passive/explain.ts'
import { addressBytes, type DhcpPacket } from '../../src/lib/dhcp/packet.ts'
import { type FirmwareKind, findFirmwareKind } from '../../src/model/firmware/kinds.ts'

const identity = { chaddr: Buffer.from('020000000001', 'hex'), uuid: Buffer.alloc(16) }
const kind = findFirmwareKind(7) as FirmwareKind
const mac = '02:00:00:00:00:01'

function heard(packet: DhcpPacket, port = 67): Heard {
  return { at: new Date(0), from: packet.op === 1 ? '0.0.0.0' : '192.0.2.1', port, packet }
}

const discover = (isIpxe: boolean, change: Partial<DhcpPacket> = {}) =>
  heard({ ...formatDiscover({ kind, isIpxe }, identity, 1), ...change })

function request(xid: number, isIpxe: boolean): Heard {
  const packet = formatDiscover({ kind, isIpxe }, identity, xid)
  const options = new Map([
    ...packet.options,
    [53, Buffer.from([3])],
    [50, addressBytes('192.0.2.9')],
    [54, addressBytes('192.0.2.1')],
  ] as [number, Buffer][])
  return heard({ ...packet, options })
}

function offer(change: Partial<DhcpPacket>, options: [number, Buffer][] = []): Heard {
  const { packet } = discover(false)
  const own: [number, Buffer][] = [[53, Buffer.from([2])], [54, addressBytes('192.0.2.1')], ...options]
  return heard({ ...packet, op: 2, ...change, options: new Map(own) }, 68)
}

describe('explainPacket', () => {
  test('says who asks, and how often', () => {
    expect(explainPacket(discover(false, { secs: 4 }))).toBe(
      'firmware (UEFI x86-64) asks for an address and a boot file (DISCOVER, after 4 s)',
    )
    // Try 2, with an offer and without a proxy offer.
    expect(explainPacket(discover(true, { secs: (2 << 2) | 2 }))).toBe(
      'iPXE on UEFI x86-64 asks for an address and a boot file (DISCOVER, try 2, it has an offer)',
    )
    expect(explainPacket(request(1, false))).toBe(
      'firmware (UEFI x86-64) accepts the address 192.0.2.9 of the server 192.0.2.1 (REQUEST)',
    )
    expect(explainPacket({ ...discover(false), port: 4011 })).toBe(
      'firmware (UEFI x86-64) asks this boot server for its boot file (port 4011)',
    )
    expect(explainPacket(discover(false, { options: new Map([[53, Buffer.from([1])]]), giaddr: '192.0.2.254' }))).toBe(
      'an ordinary DHCP client asks for an address and a boot file (DISCOVER), through the relay 192.0.2.254',
    )
  })

  test('says what a server offers', () => {
    expect(explainPacket(offer({ yiaddr: '192.0.2.9', siaddr: '192.0.2.2', file: 'snponly.efi' }))).toBe(
      'the DHCP server 192.0.2.1 offers the address 192.0.2.9 and the boot file snponly.efi from 192.0.2.2 (OFFER)',
    )
    expect(explainPacket(offer({}, [[60, Buffer.from('PXEClient')]]))).toBe(
      'the boot server 192.0.2.1 offers no address and no boot file, to be asked on port 4011 (OFFER)',
    )
  })
})

describe('concludePackets', () => {
  test('names a loop of iPXE, and a missing answer', () => {
    const loop = [1, 2, 3].map((xid) => request(xid, true))
    expect(concludePackets(loop)).toMatchObject([{ mac, code: 'BW-IPXE-LOOP' }])
    expect(concludePackets([discover(false)])).toMatchObject([{ mac, code: 'BW-DHCP-NO-OFFER' }])
  })

  test('names a missing boot file, and an accepted offer', () => {
    const plain = offer({ yiaddr: '192.0.2.9' })
    expect(concludePackets([discover(false), plain])).toMatchObject([{ code: 'BW-DHCP-NO-FILE' }])
    const [conclusion] = concludePackets([
      discover(false),
      offer({ yiaddr: '192.0.2.9', file: 'a.efi' }),
      request(1, false),
    ])
    expect(conclusion?.code).toBeUndefined()
  })

  test('says nothing about ordinary clients', () => {
    expect(concludePackets([discover(false, { options: new Map([[53, Buffer.from([1])]]) })])).toEqual([])
  })
})
