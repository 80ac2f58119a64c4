// The files of a disc as the layouts read them, and helpers for layouts.
import type { Arch } from '../../../model/arch.ts'
import type { Entry, LayoutFile, LayoutTreeFile } from '../layouts.ts'

/** The evidence for a family: the paths, and small text files. */
export type Source = {
  entries: Entry[]
  /** The path as it is written there, however it is capitalised: ISO 9660 knows capitals only, FAT and UDF both. */
  find: (path: string) => string | undefined
  /** The matches of a pattern over whole paths. */
  match: (pattern: RegExp) => RegExpExecArray[]
  /** Reads a small text file; empty if it does not exist. */
  text: (path: string) => Promise<string>
}

/** A source over these files, in an order of its own: discs have them in that of their makers. */
export function sourceOf(files: Entry[], readText: (path: string) => Promise<string | undefined>): Source {
  const entries = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  const byLower = new Map(entries.map(({ path }) => [path.toLowerCase(), path]))
  const find = (path: string) => byLower.get(path.toLowerCase())
  return {
    entries,
    find,
    match: (pattern) => entries.map(({ path }) => pattern.exec(path)).filter((match) => match !== null),
    text: async (path) => {
      const found = find(path)
      return found === undefined ? '' : ((await readText(found)) ?? '').slice(0, 2 ** 20)
    },
  }
}

/** The file, under its own name as far as names of files may have such characters (api/schemas.ts). */
export function fileAt(path: string, name = path.slice(path.lastIndexOf('/') + 1)): LayoutFile {
  return {
    path,
    name:
      name
        .replaceAll(/[^A-Za-z0-9._-]/g, '_')
        .replace(/^[^A-Za-z0-9]+/, '')
        .slice(0, 128) || 'file',
  }
}

/** The existing files among these paths, each at the same path in the tree. */
export function treeOf(source: Source, paths: string[]): LayoutTreeFile[] {
  return paths.flatMap((treePath) => {
    const path = source.find(treePath)
    return path === undefined ? [] : [{ path, treePath }]
  })
}

/** Words for the architectures: Debian's, the kernel's and Microsoft's. */
const archWords: [Arch, RegExp][] = [
  ['arm64', /(?:^|[^a-z0-9])(?:arm64|aarch64|aa64|a64)(?:[^a-z0-9]|$)/i],
  ['x86_64', /(?:^|[^a-z0-9])(?:amd64|x86[_-]64|x64|amd)(?:[^a-z0-9]|$)/i],
  ['i386', /(?:^|[^a-z0-9])(?:i[3-6]86|ia32|x86|386)(?:[^a-z0-9]|$)/i],
]

/** Names that makers of discs give to kernels and to what goes with them. */
const kernelName = /(?:^|\/)(?:vmlinu[xz]|bzimage|linux|kernel)[^/]*$/i
const initrdName = /(?:^|\/)(?:initrd|initramfs|initrfs|install)[^/]*$/i
const noKernel = /\.(?:c32|cfg|conf|txt|png|sha256|md5|sig|rpm|deb|html|mod|lst|xml|ipxe)$/i

/** The command that adds a kernel and an initrd by hand, with the paths on the disc if their names are recognised. */
export function commandByHand(entries: Entry[], name: string): string {
  const paths = entries.map(({ path }) => path).filter((path) => !noKernel.test(path))
  const initrds = paths.filter((path) => initrdName.test(path) && /img|initr|gz|xz|lz/i.test(path))
  const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1)
  const kernels = paths.filter((path) => kernelName.test(path))
  const kernel = kernels.find((path) => initrds.some((initrd) => folderOf(initrd) === folderOf(path))) ?? kernels[0]
  const initrd = initrds.find((path) => kernel !== undefined && folderOf(path) === folderOf(kernel)) ?? initrds[0]
  return `bootwright image add ${name} --kernel ${kernel ?? 'KERNEL'} --initrd ${initrd ?? 'INITRD'} --arg ARGUMENT`
}

/** The architecture that a word or a path names. */
export function archIn(text: string): Arch | undefined {
  return archWords.find(([, pattern]) => pattern.test(text))?.[0]
}

/** The architecture by the removable media's UEFI program (UEFI, 3.5.1.1); x86_64 if there is no such program. */
export function archOf(source: Source): Arch {
  if (source.find('EFI/BOOT/BOOTX64.EFI') !== undefined) return 'x86_64'
  if (source.find('EFI/BOOT/BOOTAA64.EFI') !== undefined) return 'arm64'
  return source.find('EFI/BOOT/BOOTIA32.EFI') !== undefined ? 'i386' : 'x86_64'
}

/** A name of the form that images have, from words: `Rocky Linux 9.4` -> `rocky-linux-9.4`. */
export function nameFrom(words: string): string {
  const name = words
    .toLowerCase()
    .replaceAll(/[^a-z0-9._]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
  return name.slice(0, 63) || 'image'
}

/** An argument that is present only if the machine boots with an answer file. */
export function answered(arg: string): string {
  return `{% if boot.answer_url %}${arg}{% endif %}`
}

/**
 * The card that the machine booted from, as PXELINUX tells of it with SYSAPPEND 2: the hardware type (01, Ethernet) and the MAC. Known to debian-installer
 * (netcfg, with `interface=auto`), initramfs-tools, live-boot, dracut (dracut.cmdline(7)), nm-initrd-generator(8), mkinitfs and linuxrc.
 */
export const bootif = '{% if machine.mac %}BOOTIF=01-{{ machine.mac | replace: ":", "-" }}{% endif %}'

/** A text on one line, not too long for a title. */
export function oneLine(text: string): string {
  return text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .replaceAll(/ +/g, ' ')
    .trim()
    .slice(0, 128)
    .trim()
}
