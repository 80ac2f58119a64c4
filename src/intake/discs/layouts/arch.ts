// archiso: Arch Linux and its relatives.
import type { Layout, LayoutVariant } from '../layouts.ts'
import { answered, archIn, bootif, fileAt, nameFrom, type Source, treeOf } from './source.ts'

/**
 * Arch Linux and what is built with archiso (SystemRescue): BASE/boot/ARCH/vmlinuz-linux and BASE/ARCH/airootfs.sfs. The initramfs
 * asks `archiso_http_srv`, which ends in a slash, for airootfs.sfs or airootfs.erofs, airootfs.sha512 with `checksum=y` and the
 * .cms.sig beside the image with `cms_verify=y` (mkinitcpio-archiso's hooks/archiso_pxe_http).
 */
export async function findArchiso(source: Source): Promise<Layout | undefined> {
  const variants: LayoutVariant[] = []
  let title: string | undefined
  let bytes = 0
  for (const [kernel, base = '', word = ''] of source.match(
    /^([a-z0-9]+)\/boot\/(x86_64|aarch64|i686)\/vmlinuz[^/]*$/,
  )) {
    const image = ['sfs', 'erofs'].map((type) => source.find(`${base}/${word}/airootfs.${type}`)).find(Boolean)
    const folder = kernel.slice(0, kernel.lastIndexOf('/'))
    const initrd = ['initramfs-linux.img', 'archiso.img', `${base}.img`]
      .map((name) => source.find(`${folder}/${name}`))
      .find(Boolean)
    if (image === undefined || initrd === undefined) continue
    const microcode = ['intel_ucode.img', 'intel-ucode.img', 'amd_ucode.img', 'amd-ucode.img'].flatMap(
      (name) => source.find(`${base}/boot/${name}`) ?? [],
    )
    const sums = source.find(`${base}/${word}/airootfs.sha512`)
    const signed = source.find(`${image}.cms.sig`)
    const name = base === 'arch' ? 'Arch Linux' : base === 'sysresccd' ? 'SystemRescue' : `${base} (archiso)`
    const version = /\d[\d.]{1,20}/.exec(
      (await source.text(`${base}/version`)) || (await source.text(`${base}/VERSION`)),
    )?.[0]
    bytes = Math.max(bytes, source.entries.find((entry) => entry.path === image)?.sizeBytes ?? 0)
    variants.push({
      arch: archIn(word) ?? 'x86_64',
      kind: 'linux',
      kernel: fileAt(kernel),
      initrds: [...microcode, initrd].map((path) => fileAt(path)),
      args: [
        `archisobasedir=${base}`,
        'archiso_http_srv={{ tree }}/',
        'ip=dhcp',
        bootif,
        ...(sums === undefined ? [] : ['checksum=y']),
        ...(signed === undefined ? [] : ['cms_verify=y']),
        // A script that the root user of the live system runs, as the first thing (archiso's releng, .automated_script.sh).
        ...(base === 'arch' ? [answered('script={{ boot.answer_url }}')] : []),
      ],
      tree: treeOf(source, [image, ...(sums ? [sums] : []), ...(signed ? [signed] : [])]),
    })
    title ??= version === undefined ? name : `${name} ${version}`
  }
  if (title === undefined) return undefined
  const gigabytes = bytes / 1e9
  return {
    family: 'arch',
    title,
    suggestedName: nameFrom(title),
    variants,
    notes: [
      `The root file system is loaded into memory: ${gigabytes.toFixed(1)} GB, which may be three quarters of it.`,
    ],
  }
}
