import { describe, expect, test } from 'vitest'
import { findLayout, type Layout } from '../../../src/intake/discs/layouts.ts'
import { namePattern } from '../../../src/lib/ids/names.ts'
import { argFaults } from '../../../src/render/args.ts'
import { type Files, families } from './families.ts'

/** The layout of these files: a number is a size, a text is what is in a small file. */
function layoutOf(files: Files): Promise<Layout | undefined> {
  const entries = Object.entries(files).map(([path, file]) => ({
    path,
    sizeBytes: typeof file === 'number' ? file : file.length,
  }))
  return findLayout(entries, async (path) => (typeof files[path] === 'string' ? files[path] : undefined))
}

describe.each(Object.entries(families))('%s', (_, { files, layout, notes }) => {
  test('is recognised, with all that it boots from', async () => {
    const { notes: said, ...found } = (await layoutOf(files)) as Layout
    expect(found).toEqual(layout)
    expect(said.join(' ')).toMatch(notes ?? /^/)
  })

  test('has a name for the image, arguments that can be saved and names that files may have', async () => {
    const { suggestedName, variants } = (await layoutOf(files)) as Layout
    expect(suggestedName).toMatch(namePattern)
    for (const variant of variants) {
      if ('args' in variant) expect(argFaults(variant.args, 'args')).toEqual([])
      for (const [, name] of JSON.stringify(variant).matchAll(/"name":"([^"]*)"/g))
        expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
    }
  })
})

test.each<[string, Files]>([
  [
    'Alpine',
    { '.alpine-release': '1'.repeat(200_000), 'boot/vmlinuz-lts': 1, 'boot/initramfs-lts': 1, 'boot/modloop-lts': 1 },
  ],
  ['Ubuntu', { 'amd64/linux': 1, 'amd64/initrd': 1, 'amd64/grub/grub.cfg': 'url=http://'.repeat(20_000) }],
])('takes no time over a text that is none of %s', async (_, files) => {
  const began = Date.now()
  await layoutOf(files)
  expect(Date.now() - began).toBeLessThan(1000)
})

describe('unknown contents', () => {
  test.each<[string, Files]>([
    ['nothing', {}],
    ['a folder of documents', { 'README.txt': 'linux initrd.gz', 'docs/install.amd/vmlinuz': 1 }],
    ['a kernel without its initrd', { 'debian-installer/amd64/linux': 1 }],
    ['half of an installer', { 'images/pxeboot/vmlinuz': 1, 'images/pxeboot/initrd.img': 1 }],
    ['two EFI programs for one architecture', { 'shellx64.efi': 1, 'otherx64.efi': 1 }],
  ])('%s', async (_, files) => expect(await layoutOf(files)).toBeUndefined())
})

describe('the name and release that a disc states', () => {
  test('comes in whatever a disc has there', async () => {
    const info = `Ubuntu "x\u0000\n\u001b[31m${'long '.repeat(100)}" - amd64`
    const layout = await layoutOf({ 'casper/vmlinuz': 1, 'casper/initrd': 1, '.disk/info': info })
    expect(layout?.title).toMatch(/^[\x20-\x7e]{1,128}$/)
    expect(layout?.suggestedName).toMatch(namePattern)
  })

  test('finds discs whose names are all capitals', async () => {
    const layout = await layoutOf({ 'CASPER/VMLINUZ': 1, 'CASPER/INITRD': 1, 'EFI/BOOT/BOOTAA64.EFI': 1 })
    expect(layout?.variants).toMatchObject([{ arch: 'arm64', kernel: { path: 'CASPER/VMLINUZ', name: 'VMLINUZ' } }])
  })
})
