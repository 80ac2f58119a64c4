// Debian and its installer.
import type { Arch } from '../../../model/arch.ts'
import type { Layout, LayoutVariant } from '../layouts.ts'
import { answered, archIn, archOf, bootif, fileAt, nameFrom, oneLine, type Source, treeOf } from './source.ts'

/** The installer's own names for a preseed file and what must be answered before it is fetched: https://www.debian.org/releases/stable/amd64/apbs02 */
const installerArgs = [
  answered('auto=true'),
  answered('priority=critical'),
  answered('url={{ boot.answer_url }}'),
  answered('locale={{ params.locale | default: "en_US.UTF-8" }}'),
  answered('keymap={{ params.keymap | default: "us" }}'),
  answered('interface=auto'),
  bootif,
  '{% if machine.hostname %}hostname={{ machine.hostname }}{% endif %}',
  answered('domain='),
]

const installer = { family: 'debian', args: installerArgs }

function installerVariants(found: { path: string; initrd: string; arch: Arch }[]): LayoutVariant[] {
  return found.map(({ path, initrd, arch }) => ({
    arch,
    kind: 'linux',
    kernel: fileAt(path),
    initrds: [fileAt(initrd)],
    args: installer.args,
    tree: [],
  }))
}

/** netboot.tar.gz (debian-installer/amd64/linux), unpacked or not, and netboot/mini.iso (linux, initrd.gz). */
export async function findDebianNetboot(source: Source): Promise<Layout | undefined> {
  const folders = source.match(/^((?:.*\/)?debian-installer\/(amd64|arm64|i386)\/)linux$/)
  const found = folders.flatMap(([path, folder = '', word = '']) => {
    const initrd = source.find(`${folder}initrd.gz`)
    return initrd === undefined ? [] : [{ path, initrd, arch: archIn(word) ?? ('x86_64' as const) }]
  })
  const mini = { path: source.find('linux'), initrd: source.find('initrd.gz') }
  if (found.length === 0 && mini.path !== undefined && mini.initrd !== undefined)
    found.push({ path: mini.path, initrd: mini.initrd, arch: archOf(source) })
  if (found.length === 0) return undefined
  const info = `${await source.text('version.info')}\n${await source.text('.disk/info')}`
  const version = /Debian (?:version: |GNU\/Linux )(\d+)/.exec(info)?.[1]
  const title = version === undefined ? 'Debian installer' : `Debian ${version} installer`
  return {
    family: installer.family,
    title,
    installer: true,
    suggestedName: version === undefined ? 'debian-netboot' : `debian-${version}`,
    variants: installerVariants(found),
    notes: ['The installer takes its packages from a mirror of Debian, over the network.'],
  }
}

/** netinst, CD and DVD: install.amd/vmlinuz with the initrd that looks for a disc. */
export async function findDebianDisc(source: Source): Promise<Layout | undefined> {
  const found = source.match(/^install\.(amd|386|a64)\/vmlinuz$/i).flatMap(([path, word = '']) => {
    const initrd = source.find(path.replace(/vmlinuz$/i, 'initrd.gz'))
    return initrd === undefined ? [] : [{ path, initrd, arch: archIn(word) ?? ('x86_64' as const) }]
  })
  if (found.length === 0) return undefined
  const info = oneLine(await source.text('.disk/info'))
  const version = /Debian GNU\/Linux ([\d.]+)/.exec(info)?.[1]
  return {
    family: installer.family,
    title: info.split(' - ')[0] || 'Debian installer (disc)',
    installer: true,
    suggestedName: version === undefined ? 'debian-disc' : `debian-${version}-disc`,
    variants: installerVariants(found),
    notes: [
      "This is the initrd of a disc: it stops at 'Detect and mount installation media' on a machine without the disc.",
      'Over the network, the netboot initrd works: import netboot.tar.gz, or add the image by the recipe debian-12 or debian-13.',
    ],
  }
}

/**
 * Debian Live and what is built with live-build: `fetch` downloads the squashfs by HTTP, so it starts the network
 * (live-boot(7); components/9990-networking.sh).
 */
export async function findDebianLive(source: Source): Promise<Layout | undefined> {
  const squashfs = source.find('live/filesystem.squashfs')
  const info = oneLine(await source.text('.disk/info'))
  const variants = liveVariants(source, archIn(info) ?? archOf(source))
  if (squashfs === undefined || variants.length === 0) return undefined
  const release = /\bLive ([\d.]+) (\S+)/.exec(info)
  return {
    family: 'debian-live',
    title: info || 'Debian Live',
    suggestedName: nameFrom(['debian-live', ...(release?.slice(1) ?? [])].join('-')),
    variants,
    notes: [
      `The whole file system is loaded into memory: ${sizeOf(source, squashfs)} of it, and what the system needs besides.`,
    ],
  }
}

/** A variant for each arch that a kernel is for: a disc of i386 has one for 686, and often one for amd64 beside it. */
function liveVariants(source: Source, discArch: Arch): LayoutVariant[] {
  const variants: LayoutVariant[] = []
  const add = (kernel: string, arch: Arch) => {
    const twin = kernel.replace('vmlinuz', 'initrd.img')
    const initrd = [twin, 'live/initrd.img', 'live/initrd'].map((path) => source.find(path)).find(Boolean)
    if (initrd === undefined || variants.some((variant) => variant.arch === arch)) return
    variants.push({
      arch,
      kind: 'linux',
      kernel: fileAt(kernel),
      initrds: [fileAt(initrd)],
      args: ['boot=live', 'components', bootif, 'fetch={{ tree }}/live/filesystem.squashfs'],
      tree: treeOf(source, ['live/filesystem.squashfs']),
    })
  }
  const kernels = source.match(/^live\/vmlinuz[^/]*$/).map(([path]) => path)
  const named = kernels.flatMap((path) => {
    const arch = archIn(path.slice('live/vmlinuz'.length).replace(/(\d)(?=86)/, '-i$1'))
    return arch === undefined ? [] : [{ path, arch }]
  })
  const plain = source.find('live/vmlinuz') ?? kernels[0]
  // Beside kernels for several archs nothing tells which of them the plain one is.
  const several = new Set(named.map(({ arch }) => arch)).size > 1
  if (plain !== undefined && !several) add(plain, discArch)
  for (const { path, arch } of named) add(path, arch)
  return variants
}

function sizeOf({ entries }: Source, path: string): string {
  const bytes = entries.find((entry) => entry.path === path)?.sizeBytes ?? 0
  return `${(bytes / 1e9).toFixed(1)} GB`
}
