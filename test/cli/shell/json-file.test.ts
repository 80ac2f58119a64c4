import { expect, test } from 'vitest'
import { decodeText } from '../../../src/cli/shell/json-file.ts'

const text = 'd-i netcfg/hostname string größe\nd-i x\n'

test.each([
  ['UTF-8', Buffer.from(text)],
  ['UTF-8 with a byte order mark', Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)])],
])('a text in %s is read', (_, bytes) => {
  expect(decodeText(bytes, 'preseed.cfg')).toBe(text)
})

test.each([
  ['UTF-16 with a mark', Buffer.from(`\ufeff${text}`, 'utf16le'), 'got UTF-16; convert it: iconv -f UTF-16 -t UTF-8'],
  [
    'UTF-16 without one',
    Buffer.from(text, 'utf16le'),
    'got UTF-16 without a byte order mark; convert it: iconv -f UTF-16LE -t UTF-8',
  ],
  ['big-endian UTF-16', Buffer.from(text, 'utf16le').swap16(), 'convert it: iconv -f UTF-16BE -t UTF-8'],
  [
    'ISO-8859-1',
    Buffer.from(`one\ntwo\n${text}`, 'latin1'),
    'got an invalid byte in line 3 (ISO-8859-1 or Windows-1252?)',
  ],
  ['no encoding at all', Buffer.from('one\nt\0wo\n'), 'got a NUL byte in line 2'],
])('a text in %s is refused with its encoding and line', (_, bytes, expected) => {
  expect(() => decodeText(bytes, 'preseed.cfg')).toThrow(`preseed.cfg: expected`)
  expect(() => decodeText(bytes, 'preseed.cfg')).toThrow(expected)
})
