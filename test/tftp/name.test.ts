import { expect, test } from 'vitest'
import { cleanName } from '../../src/tftp/name.ts'

const clean = (name: string) => cleanName(Buffer.from(name, 'latin1'))

test.each([
  ['ipxe.efi', 'ipxe.efi'],
  ['/ipxe.efi', 'ipxe.efi'],
  ['//ipxe.efi', 'ipxe.efi'],
  ['\\ipxe.efi', 'ipxe.efi'],
  ['Boot\\x64\\wdsnbp.com', 'Boot/x64/wdsnbp.com'],
  ['sb//grubx64.efi', 'sb/grubx64.efi'],
  ['sb\\/\\grubx64.efi', 'sb/grubx64.efi'],
  ['./sb/./grubx64.efi', 'sb/grubx64.efi'],
  ['undionly.kpxe\xff', 'undionly.kpxe'],
  ['undionly.kpxe\xff\xff', 'undionly.kpxe'],
  ['undionly.kpxe\x80', 'undionly.kpxe'],
  ['a..b/c...', 'a..b/c...'],
  ['with space.img', 'with space.img'],
  ['ends/', 'ends'],
])('%j is %j', (name, expected) => expect(clean(name)).toBe(expected))

test.each([
  '',
  '/',
  '\\',
  '.',
  '\xff',
  '..',
  '../etc/passwd',
  'a/../b',
  '..\\..\\windows\\win.ini',
  'a/..',
  'a\nb',
  'a\tb',
  'a\x1b[2Jb',
  'caf\xe9.efi',
])('%j is refused', (name) => expect(clean(name)).toBeUndefined())
