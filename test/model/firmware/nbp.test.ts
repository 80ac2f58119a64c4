import { expect, test } from 'vitest'
import { isNbpName, nbpArchOf } from '../../../src/model/firmware/nbp.ts'

/** The start of a PE file for this machine type, with its header at this offset. */
function peFile(machine: number, offset = 0x80): Buffer {
  const bytes = Buffer.alloc(0x100)
  bytes.write('MZ')
  bytes.writeUInt32LE(offset, 0x3c)
  if (offset < 0xf0) {
    bytes.write('PE\0\0', offset)
    bytes.writeUInt16LE(machine, offset + 4)
  }
  return bytes
}

test.each([
  [0x8664, 'x86_64'],
  [0x014c, 'i386'],
  [0xaa64, 'arm64'],
  [0x01c2, 'arm32'],
  [0x5064, 'riscv64'],
  [0x6264, 'loong64'],
  [0x1234, undefined],
])('a PE header with machine type %i is of a program for %s', (machine, arch) => {
  expect(nbpArchOf(peFile(machine))).toBe(arch)
})

test.each([
  ['an empty file', Buffer.alloc(0)],
  ['a short file', Buffer.from('MZ')],
  ['a file without the signature', Buffer.alloc(0x100)],
  ['a header at the end of the file', peFile(0x8664, 0xfb)],
  ['a header far beyond the file', peFile(0x8664, 0xffffffff)],
])('%s does not tell what it was built for', (_, bytes) => {
  expect(nbpArchOf(bytes)).toBeUndefined()
})

test.each(['snponly.efi', 'undionly.kpxe', 'pxelinux.0', 'a-b_c.1.efi'])('%s is a name of a boot program', (name) => {
  expect(isNbpName(name)).toBe(true)
})

test.each([
  '',
  'x',
  '.efi',
  '../a.efi',
  'a b.efi',
  'a.efi\n',
  'a\n.efi',
  'a.exe',
  `${'a'.repeat(64)}.efi`,
  'a,b.efi',
  'a".efi',
])('%j is not a name of a boot program', (name) => {
  expect(isNbpName(name)).toBe(false)
})
