import { describe, expect, test } from 'vitest'
import { requireLayout } from '../../../src/intake/discs/layout-folders.ts'
import { relativeNames } from '../../../src/intake/discs/layouts/ipxe-script.ts'
import type { Files } from './families.ts'

const layoutOf = (files: Files, name = 'the.iso') => {
  const entries = Object.entries(files).map(([path, file]) => ({
    path,
    sizeBytes: typeof file === 'number' ? file : file.length,
  }))
  return requireLayout(entries, async (path) => (typeof files[path] === 'string' ? files[path] : undefined), name)
}
const boot = { '[BOOT]/Boot-NoEmul.img': 1, 'EFI/BOOT/BOOTX64.EFI': 1 }

describe('a disc that looks for itself says why, and how to add its kernel by hand', () => {
  test.each<[string, Files, RegExp]>([
    [
      'Proxmox VE',
      { ...boot, '.pve-cd-id.txt': 'x', 'boot/linux26': 1, 'boot/initrd.img': 1 },
      /--kernel boot\/linux26 --initrd boot\/initrd\.img/,
    ],
    [
      'NixOS',
      { ...boot, 'nix-store.squashfs': 1, 'boot/bzImage': 1, 'boot/initrd': 1 },
      /netboot.*--kernel boot\/bzImage --initrd boot\/initrd /,
    ],
    [
      'XCP-ng',
      { ...boot, 'boot/xen.gz': 1, 'boot/vmlinuz': 1, 'install.img': 1 },
      /--ipxe SCRIPT.*--kernel boot\/vmlinuz --initrd install\.img/,
    ],
    [
      'Void Linux',
      { ...boot, 'boot/vmlinuz': 1, 'boot/initrd': 1, 'LiveOS/squashfs.img': 1 },
      /netboot.*--kernel boot\/vmlinuz --initrd boot\/initrd /,
    ],
  ])('%s', async (_, files, message) => {
    await expect(layoutOf(files)).rejects.toThrow(message)
    await expect(layoutOf(files)).rejects.toThrow(/^the\.iso: .*does not boot over the network as it is/)
  })

  test('any other bootable disc names them in what is to be known', async () => {
    const { notes } = await layoutOf({ ...boot, 'sys/bzImage': 1, 'sys/initramfs.xz': 1, 'sys/menu.c32': 1 })
    expect(notes.join(' ')).toContain('bootwright image add disc --kernel sys/bzImage --initrd sys/initramfs.xz')
  })

  test('also if no layout matches', async () => {
    const found = layoutOf({ 'My OS/vmlinuz-9': 1, 'My OS/initrd-9.img': 1 }, 'My OS 9.tar.gz')
    await expect(found).rejects.toThrow(
      'bootwright image add my-os-9 --kernel My OS/vmlinuz-9 --initrd My OS/initrd-9.img',
    )
  })
})

test.each<[string, string[]]>([
  ['#!ipxe\nkernel bzImage quiet\ninitrd initrd\nboot\n', ['bzImage', 'initrd']],
  ['#!ipxe\nkernel http://h/k\ninitrd ${base}/i\nchain tftp://h/x ||\n', []],
  ['#!ipxe\nimgfetch --name next http://h/next.ipxe || goto failed\nchain next\n', []],
  ['#!ipxe\nchain --autofree menus/main.ipxe || shell\nsanboot --drive 0x80 ||\n', ['menus/main.ipxe']],
])('names without a server in %j', (text, names) => expect(relativeNames(text)).toEqual(names))
