// Alpine Linux.
import type { Layout } from '../layouts.ts'
import { archIn, archOf, bootif, fileAt, nameFrom, type Source, treeOf } from './source.ts'

const flavors = ['lts', 'virt', 'edge', 'stable']

/**
 * alpine-netboot-VERSION-ARCH.tar.gz: boot/vmlinuz-lts, initramfs-lts, modloop-lts. The initramfs asks `alpine_repo` for the
 * packages of the system and `modloop` for the kernel's modules (mkinitfs' initramfs-init; openrc's modloop).
 */
export async function findAlpine(source: Source): Promise<Layout | undefined> {
  const flavor = flavors.find((suffix) =>
    ['vmlinuz', 'initramfs', 'modloop'].every((part) => source.find(`boot/${part}-${suffix}`) !== undefined),
  )
  if (flavor === undefined) return undefined
  const version = /(\d{1,4}\.\d{1,4})\.\d/.exec(await source.text('.alpine-release'))?.[1]
  const packages = source.match(/^apks\/([a-z0-9_]+)\//)[0]?.[1]
  // "# Linux/arm64 6.12.1 Kernel Configuration"
  const config = source.match(/^boot\/config-[^/]*$/)[0]?.[0] ?? ''
  const kernelFor = /^# Linux\/(\S+) /m.exec(await source.text(config))?.[1] ?? ''
  const repository = `http://dl-cdn.alpinelinux.org/alpine/${version === undefined ? 'latest-stable' : `v${version}`}/main`
  return {
    family: 'alpine',
    title: version === undefined ? 'Alpine Linux' : `Alpine Linux ${version}`,
    suggestedName: nameFrom(`alpine ${version ?? ''}`),
    variants: [
      {
        arch: archIn(packages ?? kernelFor) ?? archOf(source),
        kind: 'linux',
        kernel: fileAt(`boot/vmlinuz-${flavor}`),
        initrds: [fileAt(`boot/initramfs-${flavor}`)],
        args: [
          'ip=dhcp',
          bootif,
          `alpine_repo={{ params.repo | default: "${repository}" }}`,
          `modloop={{ tree }}/boot/modloop-${flavor}`,
          'modules=loop,squashfs',
        ],
        tree: treeOf(source, [`boot/modloop-${flavor}`]),
      },
    ],
    notes: [
      `Packages come from ${repository}, if not --param repo=URL.`,
      ...(packages === undefined
        ? []
        : [
            'The initramfs of a disc has no drivers for network cards: import alpine-netboot-VERSION-ARCH.tar.gz instead.',
          ]),
    ],
  }
}
