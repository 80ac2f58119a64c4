// Ubuntu.
import type { Layout } from '../layouts.ts'
import { answered, archIn, archOf, bootif, fileAt, nameFrom, oneLine, type Source } from './source.ts'

/** https://canonical-subiquity.readthedocs-hosted.com: the seed's URL ends in a slash. */
const autoinstallArgs = [answered('autoinstall'), answered('ds=nocloud-net;s={{ boot.nocloud_url }}')]

/**
 * Ubuntu's server and desktop discs, and others built on casper. It takes `url` only when that ends in `.iso`, and saves the
 * ISO in its root, a tmpfs of half the memory (casper's scripts/casper, do_urlmount). Without `cloud-config-url` cloud-init
 * takes `url` for itself, and downloads the ISO once more (cloud-init issue 6836).
 */
export async function findCasper(source: Source): Promise<Layout | undefined> {
  // Pop!_OS calls the folder by its release, and tells casper so.
  const [kernel, folder = ''] = source.match(/^(casper[^/]*)\/vmlinuz(?:\.efi)?$/i)[0] ?? []
  const initrd = ['initrd', 'initrd.lz', 'initrd.gz'].map((name) => source.find(`${folder}/${name}`)).find(Boolean)
  if (kernel === undefined || initrd === undefined) return undefined
  const info = oneLine(await source.text('.disk/info'))
  const gigabytes = source.entries.reduce((sum, entry) => sum + entry.sizeBytes, 0) / 1e9
  return {
    family: 'ubuntu',
    title: info.split(' - ')[0]?.replaceAll('"', '') || 'Ubuntu',
    installer: true,
    suggestedName: nameFrom(info.split(/ LTS| "| - /)[0] || 'ubuntu'),
    variants: [
      {
        arch: archIn(info) ?? archOf(source),
        kind: 'linux',
        kernel: fileAt(kernel),
        initrds: [fileAt(initrd)],
        args: [
          'ip=dhcp',
          bootif,
          'url={{ tree }}/ubuntu.iso',
          'cloud-config-url=/dev/null',
          ...(folder.toLowerCase() === 'casper' ? [] : ['boot=casper', `live-media-path=/${folder}`]),
          ...autoinstallArgs,
        ],
        tree: [],
        iso: { treePath: 'ubuntu.iso' },
      },
    ],
    notes: [
      `The installer downloads the whole ISO (${gigabytes.toFixed(1)} GB) into a RAM disk of half the memory: ` +
        `a machine needs at least ${Math.ceil(2 * gigabytes + 1)} GB.`,
    ],
  }
}

/** ubuntu-24.04-netboot-amd64.tar.gz: amd64/linux, amd64/initrd, and a configuration that names the ISO of the release. */
export async function findUbuntuNetboot(source: Source): Promise<Layout | undefined> {
  const variants: Layout['variants'] = []
  let release: string | undefined
  for (const [path, word = ''] of source.match(/^(amd64|arm64)\/linux$/)) {
    const initrd = source.find(`${word}/initrd`)
    const text = `${await source.text(`${word}/pxelinux.cfg/default`)}\n${await source.text(`${word}/grub/grub.cfg`)}`
    const iso = /\b(?:iso-)?url=(https?:\/\/[^\s"'{}$]{1,500}\.iso)/.exec(text)?.[1]
    if (initrd === undefined || iso === undefined) continue
    release ??= /ubuntu-([\d.]+)/.exec(iso)?.[1]
    variants.push({
      arch: archIn(word) ?? 'x86_64',
      kind: 'linux',
      kernel: fileAt(path),
      initrds: [fileAt(initrd)],
      args: ['ip=dhcp', bootif, `url=${iso}`, 'cloud-config-url=/dev/null', ...autoinstallArgs],
      tree: [],
    })
  }
  if (variants.length === 0) return undefined
  return {
    family: 'ubuntu',
    title: `Ubuntu ${release ?? ''} network installer`.replace('  ', ' '),
    installer: true,
    suggestedName: nameFrom(`ubuntu-${release ?? 'netboot'}`),
    variants,
    notes: [
      'Every machine downloads the ISO from the internet, into a RAM disk of half its memory. Import the ISO itself to have it served from here.',
    ],
  }
}
