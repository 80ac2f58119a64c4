import { describe, expect, test } from 'vitest'
import { findChecksums, matchChecksum, nameInList } from '../../../src/intake/trust/checksums.ts'

const [a, b, c] = ['a1', 'b2', 'c3'].map((two) => two.repeat(32)) as [string, string, string]
const [d, e] = ['d4', 'e5'].map((two) => two.repeat(64)) as [string, string]
const md5 = '0f'.repeat(16)
const find = (text: string, name: string) => findChecksums(text, name, 'the list')

describe('lists of checksums, as they are published', () => {
  test.each([
    ['GNU, text and binary', `${a}  linux\n${b} *initrd.gz\n`, 'initrd.gz', { sha256: b }],
    ['GNU with paths', `${a}  ./netboot/linux\n${b}  ./hd-media/linux\n`, 'hd-media/linux', { sha256: b }],
    ['GNU, CRLF and upper case', `${a.toUpperCase()}  linux\r\n`, 'linux', { sha256: a }],
    ['GNU, an escaped name', `\\${a}  a\\\\b\n`, 'a\\b', { sha256: a }],
    ['BSD', `SHA256 (mfsbsd.iso) = ${a}\nSHA512 (mfsbsd.iso) = ${d}\n`, 'mfsbsd.iso', { sha256: a, sha512: d }],
    [
      'Fedora, clear-signed with sizes in comments',
      `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n# Fedora-Server-netinst.iso: 1048576 bytes\nSHA256 (Fedora-Server-netinst.iso) = ${a}\n-----BEGIN PGP SIGNATURE-----\n\n${b}  Fedora-Server-netinst.iso\n-----END PGP SIGNATURE-----\n`,
      'Fedora-Server-netinst.iso',
      { sha256: a },
    ],
    [
      'Flatcar DIGESTS, sections of several hashes',
      `# MD5 HASH\n${md5}  pxe.vmlinuz\n# SHA1 HASH\n${'1'.repeat(40)}  pxe.vmlinuz\n# SHA512 HASH\n${d}  pxe.vmlinuz\n`,
      'pxe.vmlinuz',
      { sha512: d },
    ],
    [
      'Gentoo DIGESTS: a hash of the same length',
      `# BLAKE2B HASH\n${e}  i.iso\n# SHA512 HASH\n${d}  i.iso\n`,
      'i.iso',
      { sha512: d },
    ],
    [
      'Debian Release',
      `Origin: Debian\nMD5Sum:\n ${md5}     1234 main/SHA256SUMS\nSHA256:\n ${a}    74307 main/installer-amd64/SHA256SUMS\n ${b}     1234 main/installer-arm64/SHA256SUMS\n`,
      'main/installer-arm64/SHA256SUMS',
      { sha256: b },
    ],
    ['one hash alone', `${c}\n`, 'whatever.iso', { sha256: c }],
    ['one hash with another path before its name', `${c}  _out/vmlinuz-amd64\n`, 'vmlinuz-amd64', { sha256: c }],
  ])('%s', (_, text, name, expected) => expect(find(text, name)).toEqual(expected))

  test('prefers the very path to the mere name', () => {
    const text = `${a}  other/linux\n${b}  linux\n`
    expect(find(text, 'linux')).toEqual({ sha256: b })
    expect(find(text, 'other/linux')).toEqual({ sha256: a })
  })

  test.each([
    ['a file that is not in it', `${a}  linux\n`, 'initrd', /initrd/],
    [
      'a name that two folders have, with different hashes',
      `${a}  x/linux\n${b}  y/linux\n`,
      'linux',
      /several different ones/,
    ],
    ['a web page', '<html><title>404</title></html>', 'linux', /sha256 or sha512/],
    ['hashes of other lengths', `${md5}  linux\n${'1'.repeat(40)}  linux\n`, 'linux', /linux/],
    ['SHA512/256, which has the length of another', `SHA512256 (linux) = ${a}\n`, 'linux', /linux/],
  ])('refuses %s', (_, text, name, message) => expect(() => find(text, name)).toThrow(message))

  test('spends no time on a malformed line', () => {
    const began = Date.now()
    expect(() => find(`${a}${' '.repeat(2_000_000)}x\n${`${a} `.repeat(50_000)}`, 'linux')).toThrow('linux')
    // A line separator is white space, and no line's end.
    expect(() => find(`${a}${' '.repeat(4000)}x\u2028y\n`.repeat(50), 'linux')).toThrow('linux')
    expect(Date.now() - began).toBeLessThan(1000)
  })
})

test('finds the hash where a pattern says', () => {
  const text = JSON.stringify({ artifacts: { kernel: { sha256: a } } })
  expect(matchChecksum(text, '"kernel":\\{"sha256":"([0-9a-f]+)"', 'list')).toEqual({ sha256: a })
  expect(() => matchChecksum(text, '"initrd":"([0-9a-f]+)"', 'list')).toThrow('a sha256 or sha512 where')
})

test.each([
  ['http://h/d/images/netboot/linux', 'http://h/d/images/SHA256SUMS', 'netboot/linux'],
  ['http://h/d/a%2Bb.iso', 'http://h/d/SHA256SUMS', 'a+b.iso'],
  ['http://other/x/linux', 'http://h/d/SHA256SUMS', 'linux'],
  ['http://h/x/linux', 'http://h/d/SHA256SUMS', 'linux'],
])('%s is in %s as %s', (file, list, name) => expect(nameInList(file, list)).toBe(name))
