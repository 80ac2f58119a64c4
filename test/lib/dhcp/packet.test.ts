import { describe, expect, test } from 'vitest'
import { optionCodes } from '../../../src/lib/dhcp/option-codes.ts'
import {
  addressOption,
  archesOf,
  formatDhcp,
  formatOptions,
  macOf,
  messageTypeOf,
  parseDhcp,
  subOptions,
  textOption,
} from '../../../src/lib/dhcp/packet.ts'
import { clientPacket, edk2Discover, optionsOf, rawDatagram } from './packets.ts'

const optionsIn = (areas: Parameters<typeof rawDatagram>[0]) => {
  const packet = parseDhcp(rawDatagram(areas))
  return packet && Object.fromEntries([...packet.options].map(([code, value]) => [code, [...value]]))
}

describe('parseDhcp', () => {
  test('returns what formatDhcp wrote', () => expect(parseDhcp(formatDhcp(edk2Discover))).toEqual(edk2Discover))

  test('keeps the order of options', () =>
    expect([...(parseDhcp(formatDhcp(edk2Discover))?.options.keys() ?? [])]).toEqual([...edk2Discover.options.keys()]))

  test('reads a datagram that lies inside other memory', () => {
    const memory = Buffer.concat([Buffer.alloc(7, 0xff), formatDhcp(edk2Discover), Buffer.alloc(9, 0xff)])
    const view = new Uint8Array(memory.buffer, memory.byteOffset + 7, memory.length - 16)
    expect(parseDhcp(view)).toEqual(edk2Discover)
  })

  test.each([
    ['pads between options', [0, 0, 12, 1, 97, 0, 53, 1, 1, 255], { 12: [97], 53: [1] }],
    ['no end option', [53, 1, 1], { 53: [1] }],
    ['an option of length 0', [80, 0, 53, 1, 1, 255], { 80: [], 53: [1] }],
    ['bytes past the end option', [53, 1, 1, 255, 12, 1, 97], { 53: [1] }],
    ['a last option that is longer than the datagram', [53, 1, 1, 60, 9, 80, 88], { 53: [1] }],
    ['a last option without a length', [53, 1, 1, 60], { 53: [1] }],
    [
      'an option in two pieces, which are joined (RFC 3396)',
      [43, 2, 1, 2, 53, 1, 1, 43, 1, 3, 255],
      { 43: [1, 2, 3], 53: [1] },
    ],
    ['only pads', [0, 0, 0], {}],
    ['no options', [], {}],
  ])('reads options with %s', (_, options, expected) => expect(optionsIn({ options })).toEqual(expected))

  test.each([
    ['the file', { options: [52, 1, 1, 255], file: [67, 1, 97, 255, 9, 9] }, { 67: [97] }],
    ['the server name', { options: [52, 1, 2, 255], sname: [67, 1, 97, 255] }, { 67: [97] }],
    [
      'both, the file first',
      { options: [52, 1, 3, 67, 1, 97, 255], file: [67, 1, 98], sname: [67, 1, 99] },
      { 67: [97, 98, 99] },
    ],
    ['the file, with a name that is no options', { options: [52, 1, 1, 255], file: [97, 200, 98] }, {}],
    [
      'both, in an overload option inside the file, which counts for nothing',
      { options: [52, 1, 1, 255], file: [52, 1, 3, 255], sname: [67, 1, 97] },
      {},
    ],
  ])('reads options that lie in %s', (_, areas, expected) => expect(optionsIn(areas)).toEqual(expected))

  test('has no name where the field holds options', () => {
    const packet = parseDhcp(rawDatagram({ options: [52, 1, 1, 255], file: [67, 1, 97, 255], sname: [98] }))
    expect(packet).toMatchObject({ file: '', sname: 'b' })
  })

  test('reads a file name of 128 bytes without a zero byte', () =>
    expect(parseDhcp(rawDatagram({ options: [], file: Array(128).fill(97) }))?.file).toBe('a'.repeat(128)))

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['239 bytes', formatDhcp(edk2Discover).subarray(0, 239)],
    ['over 9,000 bytes', Buffer.concat([formatDhcp(edk2Discover), Buffer.alloc(9000)])],
    ['BOOTP without the cookie', Buffer.alloc(300).fill(1, 0, 2)],
    ['of an operation other than 1 and 2', Buffer.concat([Buffer.from([3]), formatDhcp(edk2Discover).subarray(1)])],
    [
      'with a hardware address of 17 bytes',
      Buffer.concat([Buffer.from([1, 1, 17]), formatDhcp(edk2Discover).subarray(3)]),
    ],
  ])('ignores a datagram that is %s', (_, datagram) => expect(parseDhcp(datagram)).toBeUndefined())
})

describe('formatDhcp', () => {
  test('writes at least 300 bytes (RFC 1542 2.1)', () => expect(formatDhcp(clientPacket())).toHaveLength(300))

  test('splits an option of 600 bytes, which parseDhcp joins (RFC 3396)', () => {
    const packet = clientPacket({
      options: optionsOf([
        [43, Buffer.alloc(600, 7)],
        [53, [1]],
      ]),
    })
    const datagram = formatDhcp(packet)
    expect([240, 240 + 257, 240 + 514].map((at) => [datagram[at], datagram[at + 1]])).toEqual([
      [43, 255],
      [43, 255],
      [43, 90],
    ])
    expect(parseDhcp(datagram)).toEqual(packet)
  })

  test.each([
    ['a file of 128 bytes', { file: 'a'.repeat(128) }, 'file: expected at most 127 bytes'],
    ['a server name of 64 bytes', { sname: 'a'.repeat(64) }, 'sname: expected at most 63 bytes'],
    ['a zero byte in a name', { file: 'a\0b' }, 'file: expected'],
    ['an option 0', { options: optionsOf([[0, []]]) }, 'option: expected a code from 1 to 254, got 0'],
    ['an option 255', { options: optionsOf([[255, []]]) }, 'option: expected a code from 1 to 254, got 255'],
    ['a hardware address of 17 bytes', { chaddr: Buffer.alloc(17) }, 'chaddr: expected at most 16 bytes'],
    ['an address that is none', { siaddr: 'fe80::1' }, 'address: expected an IPv4 address, got "fe80::1"'],
  ])('refuses %s', (_, fields, message) => expect(() => formatDhcp(clientPacket(fields))).toThrow(message))
})

describe('the readers of options', () => {
  const packet = clientPacket({
    options: optionsOf([
      [optionCodes.vendorClass, 'PXEClient\0\0'],
      [optionCodes.hostName, '\0'],
      [optionCodes.serverId, [10, 0, 0, 1]],
      [optionCodes.router, [10, 0, 0]],
      [optionCodes.clientArch, [0, 7, 0, 16, 9]],
      [optionCodes.messageType, [1]],
    ]),
  })
  test('cut zero bytes from the end of a text', () =>
    expect(textOption(packet, optionCodes.vendorClass)).toBe('PXEClient'))
  test('find no text in an empty option', () => expect(textOption(packet, optionCodes.hostName)).toBeUndefined())
  test('find no text in an absent option', () => expect(textOption(packet, optionCodes.bootFile)).toBeUndefined())
  test('read an address', () => expect(addressOption(packet, optionCodes.serverId)).toBe('10.0.0.1'))
  test('find no address in three bytes', () => expect(addressOption(packet, optionCodes.router)).toBeUndefined())
  test('read the type of the message', () => expect(messageTypeOf(packet)).toBe(1))
  test('read all architectures, without an odd byte', () => expect(archesOf(packet)).toEqual([7, 16]))
  test('read at most 16 architectures', () =>
    expect(archesOf(clientPacket({ options: optionsOf([[93, Buffer.alloc(200)]]) }))).toHaveLength(16))
  test('read no architecture where option 93 is absent', () => expect(archesOf(clientPacket())).toEqual([]))

  test('read the MAC address of Ethernet', () => expect(macOf(packet)).toBe('52:54:00:12:34:56'))
  test.each([
    ['InfiniBand, which has none', ''],
    ['a group', '01005e000001'],
    ['eight bytes', '5254001234560000'],
  ])('read no MAC address of %s', (_, hex) =>
    expect(macOf(clientPacket({ chaddr: Buffer.from(hex, 'hex') }))).toBeUndefined(),
  )

  test('read sub-options that formatOptions wrote', () => {
    const encapsulated = optionsOf([
      [6, [8]],
      [10, 'menu'],
    ])
    expect(formatOptions(encapsulated)).toEqual(Buffer.from([6, 1, 8, 10, 4, ...Buffer.from('menu'), 255]))
    expect(subOptions(formatOptions(encapsulated))).toEqual(encapsulated)
  })
})
