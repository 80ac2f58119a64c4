import { expect, test } from 'vitest'
import { diffVariants } from '../../../src/inventory/images/diff.ts'
import type { Variant } from '../../../src/model/image.ts'

const file = (letter: string, name: string) => ({ sha256: letter.repeat(64), name })
const linux: Variant = {
  kind: 'linux',
  arch: 'x86_64',
  kernel: file('a', 'vmlinuz'),
  initrds: [file('b', 'initrd.gz'), file('c', 'modules.gz')],
  args: ['console=tty0', 'console=ttyS0', 'quiet'],
  tree: [{ path: 'images/install.img', sha256: 'd'.repeat(64) }],
}

test('equal versions have no differences, whatever the order of keys and variants', () => {
  const local: Variant = { kind: 'local', arch: 'arm64' }
  const reordered = Object.fromEntries(Object.entries(linux).reverse()) as Variant
  expect(diffVariants([linux, local], [local, reordered])).toEqual([])
})

test('files are compared by role, and arguments one by one', () => {
  const changed: Variant = {
    ...linux,
    kernel: file('e', 'vmlinuz-6.1'),
    initrds: [file('c', 'modules.gz'), file('f', 'firmware.cpio')],
    args: ['console=tty0', 'console=tty0', 'quiet', 'priority=low'],
    tree: [{ path: 'images/install.img', sha256: '1'.repeat(64) }],
  }
  expect(diffVariants([linux], [changed])).toEqual([
    {
      arch: 'x86_64',
      change: 'changed',
      files: [
        { role: 'kernel', from: file('a', 'vmlinuz'), to: file('e', 'vmlinuz-6.1') },
        { role: 'initrd initrd.gz', from: file('b', 'initrd.gz') },
        {
          role: 'tree images/install.img',
          from: file('d', 'images/install.img'),
          to: file('1', 'images/install.img'),
        },
        { role: 'initrd firmware.cpio', to: file('f', 'firmware.cpio') },
      ],
      args: { removed: ['console=ttyS0'], added: ['console=tty0', 'priority=low'], reordered: false },
      fields: [],
    },
  ])
})

test('the order of arguments is a difference, because the last of two consoles counts', () => {
  const [one] = diffVariants([linux], [{ ...linux, args: ['console=ttyS0', 'console=tty0', 'quiet'] }])
  expect(one).toMatchObject({ files: [], args: { removed: [], added: [], reordered: true } })
})

test('added and removed variants and a changed kind are differences', () => {
  const san: Variant = { kind: 'sanboot', arch: 'x86_64', platform: 'efi', target: 'iscsi:192.0.2.1::::iqn.x' }
  const efi: Variant = { kind: 'efi', arch: 'arm64', file: file('a', 'memtest.efi'), args: [] }
  const chained: Variant = { kind: 'ipxe', arch: 'arm64', file: file('a', 'memtest.efi') }
  expect(diffVariants([linux, efi], [san, chained])).toMatchObject([
    { arch: 'x86_64', change: 'removed', fields: [{ field: 'kind', from: '"linux"' }] },
    { arch: 'arm64', change: 'changed', files: [], fields: [{ field: 'kind', from: '"efi"', to: '"ipxe"' }] },
    {
      arch: 'x86_64',
      platform: 'efi',
      change: 'added',
      fields: [
        { field: 'kind', to: '"sanboot"' },
        { field: 'target', to: '"iscsi:192.0.2.1::::iqn.x"' },
      ],
    },
  ])
})

test('every file of every kind that a variant names is compared', () => {
  const windows = (letter: string): Variant => ({
    kind: 'wimboot',
    arch: 'x86_64',
    wimboot: file(letter, 'wimboot'),
    files: [file(letter, 'BCD'), file(letter, 'boot.wim')],
    args: [],
  })
  const [one] = diffVariants([windows('a')], [windows('b')])
  expect(one?.files.map(({ role }) => role)).toEqual(['wimboot', 'file BCD', 'file boot.wim'])
})
