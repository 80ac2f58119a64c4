// Windows, Memtest86+, FreeBSD, EFI programs, and discs that are booted whole.
import type { Arch } from '../../../model/arch.ts'
import type { Layout, LayoutVariant } from '../layouts.ts'
import { archIn, archOf, commandByHand, fileAt, nameFrom, type Source } from './source.ts'

/**
 * Windows PE and setup. wimboot wants BCD, boot.sdi and boot.wim by these names, takes the boot manager out of
 * boot.wim, and makes the BCD of BIOS fit UEFI (https://ipxe.org/wimboot).
 */
export async function findWindows(source: Source): Promise<Layout | undefined> {
  const [bcd, sdi, wim] = ['boot/bcd', 'boot/boot.sdi', 'sources/boot.wim'].map((path) => source.find(path))
  if (bcd === undefined || sdi === undefined || wim === undefined) return undefined
  const wimboot = source.find('wimboot')
  const setup = source.match(/^sources\/install\.(?:wim|esd|swm)$/i).length > 0
  return {
    family: 'windows',
    ...(setup && { installer: true }),
    title: setup ? 'Windows setup' : 'Windows PE',
    suggestedName: setup ? 'windows-setup' : 'windows-pe',
    variants: [
      {
        arch: archOf(source),
        kind: 'wimboot',
        files: [fileAt(bcd, 'BCD'), fileAt(sdi, 'boot.sdi'), fileAt(wim, 'boot.wim')],
        ...(wimboot !== undefined && { wimboot: fileAt(wimboot) }),
        args: [],
      },
    ],
    notes: [
      ...(wimboot === undefined
        ? [
            'wimboot itself is not part of Windows: download it from https://github.com/ipxe/wimboot/releases, and give it as a file.',
          ]
        : []),
      ...(setup
        ? ['Only Windows PE is booted over HTTP: setup needs install.wim on a share; name the share to setup.']
        : []),
    ],
  }
}

/**
 * Their names over the years: memtest64.efi and memtest64.bin (6, 7), mt86p_x86_64 (8: both in one), mt86+x64 (Debian
 * 13), memtest86+x64.bin (Debian 12).
 */
const memtestName =
  /^(?:.*\/)?(?:memtest|mt86plus|mt86p_|mt86\+|memtest86\+)(64|32|x64|ia32|x86_64|i586)?(\.efi|\.bin)?$/i

/** Memtest86+: an EFI program for UEFI, the same or another file as a Linux kernel for BIOS (its README). */
export async function findMemtest(source: Source): Promise<Layout | undefined> {
  const variants: LayoutVariant[] = []
  const add = (arch: Arch, path: string, kinds: ('efi' | 'pcbios')[]) => {
    for (const platform of kinds) {
      if (variants.some((variant) => variant.arch === arch && variant.platform === platform)) continue
      const file = fileAt(path)
      if (platform === 'efi') variants.push({ arch, platform, kind: 'efi', file, args: [] })
      else variants.push({ arch, platform, kind: 'linux', kernel: file, initrds: [], args: [], tree: [] })
    }
  }
  for (const [path, word = '64', ending = ''] of source.match(memtestName)) {
    const arch = /64/.test(word) ? 'x86_64' : 'i386'
    add(arch, path, ending === '' ? ['efi', 'pcbios'] : [ending.toLowerCase() === '.efi' ? 'efi' : 'pcbios'])
  }
  // Its own ISO has the program as the UEFI one of removable media, and as the image of a floppy, which begins with it.
  const floppy = source.find('boot/floppy.img')
  const disc = source.find('EFI/BOOT/BOOTX64.EFI') ?? source.find('EFI/BOOT/BOOTIA32.EFI')
  if (variants.length === 0 && floppy !== undefined && disc !== undefined && source.entries.length < 10) {
    add(archOf(source), disc, ['efi'])
    add(archOf(source), floppy, ['pcbios'])
  }
  if (variants.length === 0) return undefined
  return { family: 'memtest', title: 'Memtest86+', suggestedName: 'memtest86plus', variants, notes: [] }
}

/** FreeBSD's discs; those of mfsBSD run from memory, the others look for their disc again once the kernel runs. */
export async function findFreebsd(source: Source): Promise<Layout | undefined> {
  if (source.match(/^boot\/kernel\/kernel(?:\.gz)?$/).length === 0 || source.find('boot/loader') === undefined)
    return undefined
  const memory = source.match(/^mfsroot(?:\.gz|\.uzip|\.xz)?$/).length > 0
  const efi = source.match(/^\[BOOT\]\//).length > 1 || source.find('EFI/BOOT/BOOTX64.EFI') !== undefined
  return {
    family: 'freebsd',
    title: memory ? 'mfsBSD' : 'FreeBSD',
    suggestedName: memory ? 'mfsbsd' : 'freebsd',
    variants: [{ arch: archOf(source), ...(efi ? {} : { platform: 'pcbios' as const }), kind: 'sanboot', file: 'iso' }],
    notes: [
      memory
        ? 'The loader reads kernel and root file system from the ISO over HTTP, through iPXE; then it runs from memory.'
        : "This disc boots as far as the kernel and then looks for its root on a CD that is not there: use mfsBSD's ISO.",
    ],
  }
}

/** Nothing but UEFI programs, one for each architecture. */
export async function findEfiPrograms(source: Source): Promise<Layout | undefined> {
  if (source.entries.length === 0 || source.entries.length > 3) return undefined
  if (!source.entries.every(({ path }) => /\.efi$/i.test(path))) return undefined
  const variants: LayoutVariant[] = source.entries.map(({ path }) => ({
    arch: archIn(/(x86_64|x64|amd64|arm64|aarch64|aa64|ia32|i386)[^/a-z0-9]*\.efi$/i.exec(path)?.[1] ?? '') ?? 'x86_64',
    platform: 'efi',
    kind: 'efi',
    file: fileAt(path),
    args: [],
  }))
  if (new Set(variants.map((variant) => variant.arch)).size < variants.length) return undefined
  const name = fileAt(source.entries[0]?.path ?? '').name.replace(/\.efi$/i, '')
  return { family: 'efi', title: name, suggestedName: nameFrom(name), variants, notes: [] }
}

/** Any disc with El Torito's boot images, which 7-Zip lists below [BOOT]/. */
export async function findBootableDisc(source: Source): Promise<Layout | undefined> {
  const images = source.match(/^\[BOOT\]\//)
  if (images.length === 0) return undefined
  const efi = source.match(/^EFI\/BOOT\/BOOT[^/]*\.EFI$/i).length > 0 || images.length > 1
  return {
    family: 'disc',
    title: 'Bootable disc',
    suggestedName: 'disc',
    variants: [{ arch: archOf(source), ...(efi ? {} : { platform: 'pcbios' as const }), kind: 'sanboot', file: 'iso' }],
    notes: [
      'Unknown family: it is booted as a disc over HTTP, which seldom works. The boot loader can read the disc through iPXE, but ' +
        `the system that it starts finds no disc. The unpacked kernel and initrd may boot: ${commandByHand(source.entries, 'disc')}`,
    ],
  }
}
