import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fetchDebianPackages } from './debian-packages.js'
import { repository, run } from './run.js'

const cache = join(repository, '.lab/cache')

/** The guests' architectures, in our words and in Debian's. */
const guests = { x86_64: 'amd64', arm64: 'arm64' }

/** What a virtio network card needs in Debian's kernels for virtual machines, in the order of loading; the rest is built in. */
const modules = ['failover', 'net_failover', 'virtio_net']

/**
 * Puts into .lab/cache what the lab boots: per architecture `vmlinuz`, `busybox` and `modules/*.ko`, and `ipxe-2019/`, the
 * boot programs of bookworm, whose iPXE is of January 2019.
 * @returns {string[]} what could not be brought
 */
export function bringLabPieces() {
  // The folder gets its name when it is complete.
  if (existsSync(cache)) return []
  console.log('setup: fetching kernels, busybox and an old iPXE for the lab')
  const work = `${cache}.new`
  rmSync(work, { recursive: true, force: true })
  try {
    const unpacked = join(work, 'unpacked')
    for (const [arch, debianArch] of Object.entries(guests)) {
      const into = join(unpacked, arch)
      const packages = [`linux-image-cloud-${debianArch}:${debianArch}`, `busybox-static:${debianArch}`]
      fetchDebianPackages({ suite: 'stable', packages, into, dependencies: /^linux-image-/ })
      takeGuest(into, join(work, arch))
    }
    fetchDebianPackages({ suite: 'bookworm', packages: ['ipxe'], into: join(unpacked, 'ipxe') })
    takeOldIpxe(join(unpacked, 'ipxe'), join(work, 'ipxe-2019'))
    rmSync(unpacked, { recursive: true })
    renameSync(work, cache)
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
  mkdirSync(join(to, 'modules'), { recursive: true })
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
  mkdirSync(to)
  // In this package usr/lib/ipxe/ipxe.efi is a symbolic link to /boot.
  const files = ['usr/lib/ipxe/undionly.kpxe', 'usr/lib/ipxe/snponly.efi', 'boot/ipxe.efi']
  for (const file of files) copyFileSync(join(from, file), join(to, basename(file)))
}

/**
 * @param {string} folder
 * @param {RegExp} pattern of the path inside the folder
 * @returns {string}
 */
function find(folder, pattern) {
  const names = readdirSync(folder, { recursive: true }).map(String)
  const name = names.find((one) => pattern.test(one))
  if (name === undefined) throw new Error(`no ${pattern} in ${folder}`)
  return join(folder, name)
}
