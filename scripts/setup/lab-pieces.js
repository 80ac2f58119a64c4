import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fetchDebianPackages, whyNoApt } from './debian-packages.js'
import { repository, run } from './run.js'

const cache = join(repository, '.lab/cache')

/** The guests' architectures, by our name, with Debian's name. */
const guests = { x86_64: 'amd64', arm64: 'arm64' }

/** The modules for a virtio network card in Debian's kernels for virtual machines, in loading order. All others are built in. */
const modules = ['failover', 'net_failover', 'virtio_net']

/**
 * What the lab boots, each in its own folder below .lab/cache. A folder gets its name when it is complete, so setup also
 * completes a cache that an older version made. `take` copies the files from the unpacked packages.
 * @type {Record<string, { suite: string, packages: string[], dependencies?: RegExp, take: (from: string, to: string) => void }>}
 */
const pieces = {
  ...Object.fromEntries(
    Object.entries(guests).map(([arch, debianArch]) => [
      arch,
      {
        suite: 'stable',
        packages: [`linux-image-cloud-${debianArch}:${debianArch}`, `busybox-static:${debianArch}`],
        dependencies: /^linux-image-/,
        take: takeGuest,
      },
    ]),
  ),
  // The boot programs of January 2019.
  'ipxe-2019': { suite: 'bookworm', packages: ['ipxe'], take: takeOldIpxe },
  // For the local disk of a UEFI machine.
  'efi-shell': {
    suite: 'stable',
    packages: ['efi-shell-x64'],
    take: takeFiles('usr/share/efi-shell-x64', ['shellx64.efi']),
  },
  // Starts Linux from an ISO on a BIOS machine.
  isolinux: {
    suite: 'stable',
    packages: ['isolinux', 'syslinux-common'],
    take: (from, to) => {
      copyFileSync(join(from, 'usr/lib/ISOLINUX/isolinux.bin'), join(to, 'isolinux.bin'))
      copyFileSync(join(from, 'usr/lib/syslinux/modules/bios/ldlinux.c32'), join(to, 'ldlinux.c32'))
    },
  },
  'debian-installer': {
    suite: 'bookworm',
    packages: ['debian-installer-12-netboot-amd64'],
    take: takeFiles('usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64', ['linux', 'initrd.gz']),
  },
  // Only for tests of imports.
  'debian-installer-arm64': {
    suite: 'bookworm',
    packages: ['debian-installer-12-netboot-arm64'],
    take: takeFiles('usr/lib/debian-installer/images/12/arm64/text/debian-installer/arm64', ['linux', 'initrd.gz']),
  },
  'memtest86+': {
    suite: 'bookworm',
    packages: ['memtest86+'],
    take: takeFiles('usr/lib/memtest86+', ['memtest86+x64.iso']),
  },
}

/**
 * Downloads what the lab boots into .lab/cache.
 * @returns {string[]} why the lab cannot run here, in one line; empty if it can
 */
export function fetchLabPieces() {
  if (process.getuid?.() !== 0) return ['the lab (test/lab) cannot run: making network namespaces needs root']
  const missing = Object.entries(pieces).filter(([name]) => !existsSync(join(cache, name)))
  if (missing.length === 0) return []
  const names = missing.map(([name]) => name).join(', ')
  const reason = whyNoApt()
  if (reason !== undefined)
    return [`the lab (test/lab) cannot run: .lab/cache has no ${names}, and setup cannot download them: ${reason}`]
  console.log(`setup: downloading for the lab into .lab/cache: ${names} (Debian packages, unpacked, not installed)`)
  try {
    for (const [name, { suite, packages, dependencies, take }] of missing) {
      const work = join(cache, `${name}.new`)
      rmSync(work, { recursive: true, force: true })
      const unpacked = join(work, 'unpacked')
      fetchDebianPackages({ suite, packages, into: unpacked, ...(dependencies && { dependencies }) })
      mkdirSync(join(work, 'piece'))
      take(unpacked, join(work, 'piece'))
      renameSync(join(work, 'piece'), join(cache, name))
      rmSync(work, { recursive: true })
    }
    return []
  } catch (error) {
    return [`the lab (test/lab) cannot run: ${error instanceof Error ? error.message : error}`]
  }
}

/**
 * @param {string} from unpacked packages
 * @param {string} to
 */
function takeGuest(from, to) {
  mkdirSync(join(to, 'modules'))
  const kernel = find(join(from, 'boot'), /^vmlinuz-/)
  copyFileSync(kernel, join(to, 'vmlinuz'))
  copyFileSync(join(from, 'usr/bin/busybox'), join(to, 'busybox'))
  const tree = join(from, 'usr/lib/modules')
  for (const name of modules) {
    const packed = find(tree, new RegExp(`/${name}\\.ko(\\.xz)?$`))
    const target = join(to, 'modules', basename(packed))
    copyFileSync(packed, target)
    if (target.endsWith('.xz')) run('xz', ['--decompress', target])
  }
}

/**
 * @param {string} from
 * @param {string} to
 */
function takeOldIpxe(from, to) {
  // In this package usr/lib/ipxe/ipxe.efi is a symbolic link to /boot.
  const files = ['usr/lib/ipxe/undionly.kpxe', 'usr/lib/ipxe/snponly.efi', 'boot/ipxe.efi']
  for (const file of files) copyFileSync(join(from, file), join(to, basename(file)))
}

/**
 * @param {string} folder
 * @param {string[]} names
 * @returns {(from: string, to: string) => void}
 */
function takeFiles(folder, names) {
  return (from, to) => {
    for (const name of names) copyFileSync(join(from, folder, name), join(to, name))
  }
}

/**
 * @param {string} folder
 * @param {RegExp} pattern of the path inside the folder
 * @returns {string}
 */
function find(folder, pattern) {
  const names = readdirSync(folder, { recursive: true }).map(String)
  const name = names.find((path) => pattern.test(path))
  if (name === undefined) throw new Error(`no ${pattern} in ${folder}`)
  return join(folder, name)
}
