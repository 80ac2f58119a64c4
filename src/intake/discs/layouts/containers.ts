// Flatcar, Fedora CoreOS and Talos.
import type { Layout, LayoutVariant } from '../layouts.ts'
import { answered, archIn, bootif, fileAt, nameFrom, type Source } from './source.ts'

/** https://www.flatcar.org/docs/latest/installing/bare-metal/booting-with-ipxe */
export async function findFlatcar(source: Source): Promise<Layout | undefined> {
  const variants = source.match(/^(.*\/)?flatcar_production_pxe\.vmlinuz$/).flatMap(([kernel, folder = '']) => {
    const image = source.find(`${folder}flatcar_production_pxe_image.cpio.gz`)
    if (image === undefined) return []
    const args = [answered('flatcar.first_boot=1'), answered('ignition.config.url={{ boot.answer_url }}')]
    return [{ arch: archIn(folder) ?? 'x86_64', ...linux(kernel, image, args) } satisfies LayoutVariant]
  })
  if (variants.length === 0) return undefined
  return {
    family: 'flatcar',
    title: 'Flatcar Container Linux',
    suggestedName: 'flatcar',
    variants,
    notes: ['The system runs from memory; an Ignition config installs it, or sets it up anew at each boot.'],
  }
}

/**
 * The live ISO (images/pxeboot/rootfs.img), or the three files for PXE:
 * https://docs.fedoraproject.org/en-US/fedora-coreos/live-booting
 */
export async function findFedoraCoreos(source: Source): Promise<Layout | undefined> {
  const variants: LayoutVariant[] = []
  let version: string | undefined
  const add = (kernel: string, initrd: string | undefined, rootfs: string | undefined, word: string) => {
    if (initrd === undefined || rootfs === undefined) return
    const args = [
      'coreos.live.rootfs_url={{ tree }}/rootfs.img',
      'ip=dhcp',
      bootif,
      'rd.neednet=1',
      'ignition.firstboot',
      'ignition.platform.id=metal',
      answered('ignition.config.url={{ boot.answer_url }}'),
    ]
    const tree = [{ path: rootfs, treePath: 'rootfs.img' }]
    variants.push({ arch: archIn(word) ?? 'x86_64', ...linux(kernel, initrd, args), tree })
  }
  const pattern = /^(.*)-live-kernel[.-](x86_64|aarch64)$/
  for (const [kernel, start = '', word = ''] of source.match(pattern)) {
    version ??= /-(\d+\.\d+[\d.]*)$/.exec(start)?.[1]
    add(
      kernel,
      source.find(`${start}-live-initramfs.${word}.img`),
      source.find(`${start}-live-rootfs.${word}.img`),
      word,
    )
  }
  const disc = source.find('images/pxeboot/vmlinuz')
  if (disc !== undefined) {
    const word = source.find('EFI/BOOT/BOOTAA64.EFI') === undefined ? 'x86_64' : 'aarch64'
    add(disc, source.find('images/pxeboot/initrd.img'), source.find('images/pxeboot/rootfs.img'), word)
  }
  if (variants.length === 0) return undefined
  const title = version === undefined ? 'Fedora CoreOS' : `Fedora CoreOS ${version}`
  return {
    family: 'fedora-coreos',
    title,
    suggestedName: nameFrom(title),
    variants,
    notes: [
      'The system runs from memory, at least 2 GB. To install it to a disk, have it run coreos-installer: ' +
        '--arg coreos.inst.install_dev=DISK --arg coreos.inst.ignition_url={{ boot.answer_url }}.',
    ],
  }
}

/** The arguments that Talos requires and advises: https://www.talos.dev/latest/reference/kernel */
export const talosArgs = [
  'talos.platform=metal',
  'slab_nomerge',
  'pti=on',
  'init_on_alloc=1',
  'console=tty0',
  answered('talos.config={{ boot.answer_url }}'),
]

/** Of a release, or of the image factory: vmlinuz-amd64 or kernel-amd64, and initramfs-amd64.xz. */
export async function findTalos(source: Source): Promise<Layout | undefined> {
  const variants = source
    .match(/^(.*\/)?(?:vmlinuz|kernel)-(amd64|arm64)$/)
    .flatMap(([kernel, folder = '', word = '']) => {
      const initramfs = source.find(`${folder}initramfs-${word}.xz`)
      return initramfs === undefined
        ? []
        : [{ arch: archIn(word) ?? 'x86_64', ...linux(kernel, initramfs, talosArgs) } satisfies LayoutVariant]
    })
  if (variants.length === 0) return undefined
  return {
    family: 'talos',
    title: 'Talos Linux',
    suggestedName: 'talos',
    variants,
    notes: ['Without a machine configuration as answer file it waits in maintenance mode for talosctl.'],
  }
}

function linux(kernel: string, initrd: string, args: string[]) {
  return { kind: 'linux' as const, kernel: fileAt(kernel), initrds: [fileAt(initrd)], args, tree: [] }
}
