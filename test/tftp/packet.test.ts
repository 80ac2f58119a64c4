import { describe, expect, test } from 'vitest'
import { ackBlock, formatError, formatOack, parseError, parseRequest, writeData } from '../../src/tftp/packet.ts'

const packet = (opcode: number, fields: string) => Buffer.from(`\0${String.fromCharCode(opcode)}${fields}`, 'latin1')

const formatData = (block: number, bytes: Buffer) => {
  const memory = Buffer.alloc(bytes.length + 10)
  expect(writeData(memory, 0, block, bytes)).toBe(bytes.length + 4)
  return memory.subarray(0, bytes.length + 4)
}

const readable = (datagram: Buffer) => {
  const request = parseRequest(datagram)
  return request && { ...request, file: request.file.toString('latin1'), options: Object.fromEntries(request.options) }
}

describe('a request', () => {
  test.each([
    ['plain', packet(1, 'a.efi\0octet\0'), { kind: 'read', file: 'a.efi', mode: 'octet', options: {} }],
    ['to write', packet(2, 'a\0octet\0'), { kind: 'write', file: 'a', mode: 'octet', options: {} }],
    ['with its mode in capitals', packet(1, 'a\0OcTeT\0'), { kind: 'read', file: 'a', mode: 'octet', options: {} }],
    [
      "of EDK2, the size probe's",
      packet(1, 'ipxe.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0'),
      {
        kind: 'read',
        file: 'ipxe.efi',
        mode: 'octet',
        options: { tsize: '0', blksize: '1468', windowsize: '4' },
      },
    ],
    [
      'with an option twice, in different case: the first counts',
      packet(1, 'a\0octet\0BLKSIZE\x001024\0blksize\x00512\0'),
      { kind: 'read', file: 'a', mode: 'octet', options: { blksize: '1024' } },
    ],
    [
      'with its last value cut short: that option is left out',
      packet(1, 'a\0octet\0tsize\x000\0blksize\x0014'),
      { kind: 'read', file: 'a', mode: 'octet', options: { tsize: '0' } },
    ],
    [
      'with a name and no value: that option is left out',
      packet(1, 'a\0octet\0tsize\x000\0blksize\0'),
      { kind: 'read', file: 'a', mode: 'octet', options: { tsize: '0' } },
    ],
  ])('%s is read', (_, datagram, expected) => expect(readable(datagram)).toEqual(expected))

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from([0])],
    ['an opcode only', Buffer.from([0, 1])],
    ['zeroes', Buffer.alloc(64)],
    ['DATA', formatData(1, Buffer.from('abc'))],
    ['ACK', packet(4, '\0\x01')],
    ['ERROR', formatError(0, 'no reason')],
    ['OACK', formatOack([['tsize', '1']])],
    ['an opcode in one byte', Buffer.from('\x01a\0octet\0')],
    ['an empty name', packet(1, '\0octet\0')],
    ['a name that does not end', packet(1, 'aaaaaaaa')],
    ['a mode that does not end', packet(1, 'a\0octet')],
    ['no mode', packet(1, 'aaaaaaaa\0')],
    ['1,501 bytes', packet(1, `${'a'.repeat(1492)}\0octet\0`)],
  ])('that is %s is ignored', (_, datagram) => expect(parseRequest(datagram)).toBeUndefined())

  test('of 1,500 bytes is parsed, though RFC 2347 allows 512', () =>
    expect(parseRequest(packet(1, `${'a'.repeat(1491)}\0octet\0`))?.file).toHaveLength(1491))

  test('has at most 16 options', () => {
    const many = Array.from({ length: 40 }, (_, at) => `o${at}\0${at}\0`).join('')
    expect(parseRequest(packet(1, `a\0octet\0${many}`))?.options.size).toBe(16)
  })
})

/** What a transfer reads from a datagram. */
const parseReply = (datagram: Buffer) => {
  const block = ackBlock(datagram)
  return block === undefined ? parseError(datagram) : { block }
}

describe('a reply', () => {
  test.each([
    ['ACK 0', packet(4, '\0\0'), { block: 0 }],
    ['ACK 65535', packet(4, '\xff\xff'), { block: 65535 }],
    ['ACK with bytes behind it', packet(4, '\x01\x02rest'), { block: 258 }],
    ['ERROR 8', packet(5, '\0\x08User aborted the transfer\0'), { code: 8, message: 'User aborted the transfer' }],
    ['ERROR without a message', packet(5, '\0\0'), { code: 0, message: '' }],
    ['ERROR whose message does not end', packet(5, '\0\x03full'), { code: 3, message: 'full' }],
    [
      'ERROR with control characters, which no log wants',
      packet(5, '\0\0a\nb\x1b[2J\0c'),
      { code: 0, message: 'a?b?[2J' },
    ],
  ])('%s is read', (_, datagram, expected) => expect(parseReply(datagram)).toEqual(expected))

  test('has a message of at most 128 bytes', () =>
    expect(parseReply(packet(5, `\0\0${'x'.repeat(1000)}\0`))).toEqual({
      code: 0,
      message: 'x'.repeat(128),
    }))

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from([4])],
    ['three bytes', Buffer.from([0, 4, 0])],
    ['DATA', formatData(1, Buffer.from('abc'))],
    ['opcode 1028', Buffer.from([4, 4, 0, 1])],
  ])('that is %s is ignored', (_, datagram) => expect(parseReply(datagram)).toBeUndefined())
})

test('packets have the layout of the RFCs', () => {
  expect(formatData(1, Buffer.from('ab'))).toEqual(packet(3, '\0\x01ab'))
  expect(formatData(65536 + 258, Buffer.alloc(0))).toEqual(packet(3, '\x01\x02'))
  const accepted: [string, string][] = [
    ['blksize', '1468'],
    ['tsize', '7'],
  ]
  const memory = Buffer.alloc(6, 0xee)
  expect(writeData(memory, 1, 7, Buffer.alloc(0))).toBe(5)
  expect(memory).toEqual(Buffer.from([0xee, 0, 3, 0, 7, 0xee]))
  expect(formatOack(accepted)).toEqual(packet(6, 'blksize\x001468\0tsize\x007\0'))
  expect(formatError(1, 'No')).toEqual(packet(5, '\0\x01No\0'))
})
