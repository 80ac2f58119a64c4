import { whyNoDebianPackages } from './debian-packages.js'
import { bringLabPieces } from './lab-pieces.js'
import { run } from './run.js'

/** Debian packages by what needs them. */
const packages = {
  'the lab (test/lab)': [
    'qemu-system-x86',
    'qemu-system-arm',
    'ovmf',
    'qemu-efi-aarch64',
    'ipxe-qemu',
    'dnsmasq-base',
    'iproute2',
    'cpio',
    'mtools',
    'xz-utils',
    'xorriso',
    'tgt',
  ],
  'tests against a real PostgreSQL': ['postgresql'],
  'tests of object storage, against OpenStack Swift': ['python3-swift'],
  'imports of ISOs and archives': ['7zip', 'genisoimage', 'xorriso', 'xz-utils'],
  'downloads from a real web server': ['nginx-light'],
  'TFTP tests with other clients': ['curl', 'tftp-hpa', 'atftp', 'busybox-static'],
}

/**
 * Installs what the tests need besides npm packages, where this is Debian and we are root, and makes the lab's pieces.
 * @returns {string[]} which tests cannot run here, and why
 */
export function prepareTests() {
  const lacking = Object.entries(packages)
    .map(([use, names]) => ({ use, names: notInstalled(names) }))
    .filter(({ names }) => names.length > 0)
  const wanted = lacking.flatMap(({ names }) => names)
  const reason =
    whyNoDebianPackages() ??
    (wanted.length > 0 && process.getuid?.() !== 0 ? 'installing packages needs root' : undefined)
  if (reason !== undefined && wanted.length > 0) {
    return lacking.map(
      ({ use, names }) =>
        `${use} cannot run: ${reason}; needed: apt-get install --no-install-recommends ${names.join(' ')}`,
    )
  }
  if (wanted.length > 0) install(wanted)
  if (process.getuid?.() !== 0) return ['the lab (test/lab) cannot run: making network namespaces needs root']
  return reason === undefined ? bringLabPieces() : [`the lab (test/lab) cannot run: ${reason}`]
}

/**
 * Installs Debian packages, as root.
 * @param {string[]} names
 */
export function install(names) {
  console.log(`setup: installing ${names.join(' ')}`)
  // Packages that bring a daemon (postgresql) leave it stopped when the run level says that the machine is not up (invoke-rc.d(8)).
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  run('apt-get', ['-q', 'update'], { env })
  run('apt-get', ['-q', '-y', 'install', '--no-install-recommends', ...names], { env })
}

/**
 * @param {string[]} names
 * @returns {string[]}
 */
function notInstalled(names) {
  return names.filter((name) => {
    try {
      return !/^Status: .* installed$/m.test(run('dpkg', ['--status', name]))
    } catch {
      return true
    }
  })
}
