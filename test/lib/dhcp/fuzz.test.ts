import { describe, expect, test } from 'vitest'
import {
  archesOf,
  type DhcpPacket,
  formatDhcp,
  macOf,
  messageTypeOf,
  parseDhcp,
  subOptions,
  textOption,
} from '../../../src/lib/dhcp/packet.ts'
import { type Seeded, seeded } from '../../helpers/seeded.ts'
import { edk2Discover, rawDatagram } from './packets.ts'

const rounds = 2000

const bytes = (random: Seeded, length: number) => Array.from({ length }, () => random.between(0, 255))

/** Options with many of the lengths, ends and overloads that a parser could read wrongly. */
const roughOptions = (random: Seeded) =>
  Array.from({ length: random.between(0, 12) }, () => {
    const code = random.pick([0, 43, 52, 53, 54, 60, 61, 67, 77, 82, 93, 97, 175, 254, 255])
    const length = random.pick([0, 1, 2, 4, 17, 255])
    return [code, length, ...bytes(random, random.pick([length, length, Math.max(0, length - 1)]))]
  }).flat()

/** A packet as text, which is compared faster than the packet. */
function textOf(packet: DhcpPacket | undefined): string {
  const options = [...(packet?.options ?? [])].map(([code, value]) => `${code}=${value.toString('hex')}`)
  return JSON.stringify({ ...packet, chaddr: packet?.chaddr.toString('hex'), options })
}

/** Reads everything that the product reads. Every step must return, and no result may be larger than the datagram. */
function readAll(datagram: Uint8Array): DhcpPacket | undefined {
  const packet = parseDhcp(datagram)
  if (packet === undefined) return undefined
  const size = [...packet.options.values()].reduce((sum, value) => sum + value.length, 0)
  expect(size).toBeLessThanOrEqual(datagram.length)
  for (const code of packet.options.keys()) textOption(packet, code)
  for (const value of packet.options.values()) subOptions(value)
  for (const read of [archesOf, macOf, messageTypeOf]) read(packet)
  return packet
}

describe('the DHCP codec, with random packets,', () => {
  test('reads what it wrote', () => {
    const random = seeded('DHCP packets')
    const text = (max: number) => 'x'.repeat(random.between(0, max))
    const address = () => bytes(random, 4).join('.')
    for (let round = 0; round < rounds; round++) {
      const options = new Map<number, Buffer>()
      for (let count = random.between(0, 20); count > 0; count--) {
        const code = random.between(1, 254)
        if (code !== 52) options.set(code, Buffer.from(bytes(random, random.pick([0, 1, 4, 255, 256, 300, 511]))))
      }
      const packet: DhcpPacket = {
        op: random.between(1, 2),
        htype: random.between(0, 255),
        hops: random.between(0, 255),
        xid: random.between(0, 2 ** 32 - 1),
        secs: random.between(0, 65_535),
        flags: random.between(0, 65_535),
        ciaddr: address(),
        yiaddr: address(),
        siaddr: address(),
        giaddr: address(),
        chaddr: Buffer.from(bytes(random, random.between(0, 16))),
        sname: text(63),
        file: text(127),
        options,
      }
      const datagram = formatDhcp(packet)
      if (datagram.length <= 9000) expect(textOf(parseDhcp(datagram))).toBe(textOf(packet))
    }
  })

  test('parses packets with rough options, and writes them so that they read the same', () => {
    const random = seeded('rough DHCP options')
    for (let round = 0; round < rounds; round++) {
      const area = (size: number) => roughOptions(random).slice(0, size)
      const packet = readAll(rawDatagram({ options: roughOptions(random), file: area(128), sname: area(64) }))
      if (packet !== undefined && packet.file.length < 128 && packet.sname.length < 64)
        expect(textOf(parseDhcp(formatDhcp(packet)))).toBe(textOf(packet))
    }
  })

  test('survives flipped bytes and every length of a real packet', () => {
    const random = seeded('flipped DHCP bytes')
    const original = formatDhcp(edk2Discover)
    for (let length = 0; length <= original.length; length++) readAll(original.subarray(0, length))
    for (let round = 0; round < rounds; round++) {
      const datagram = Buffer.from(original)
      for (let flips = random.between(1, 8); flips > 0; flips--)
        datagram[random.between(0, datagram.length - 1)] = random.between(0, 255)
      readAll(datagram.subarray(0, random.between(230, datagram.length)))
    }
  })

  test('survives random bytes', () => {
    const random = seeded('random DHCP bytes')
    for (let round = 0; round < rounds; round++) readAll(Buffer.from(bytes(random, random.between(0, 400))))
  })

  test('reads 8,760 bytes of one-byte options', () => {
    const options = Array.from({ length: 4380 }, () => [43, 0]).flat()
    expect(readAll(rawDatagram({ options }))?.options).toEqual(new Map([[43, Buffer.alloc(0)]]))
  })
})
