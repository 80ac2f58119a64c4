import { installCommand, installPackages, isInstalled } from './debian-install.js'

/** @type {import('./debian-install.js').PackageUse[]} */
const uses = [
  {
    use: 'the lab (test/lab)',
    packages: [
      'qemu-system-x86',
      'qemu-system-arm',
      'ovmf',
      'qemu-efi-aarch64',
      'ipxe-qemu',
      'dnsmasq-base',
      'nftables',
      'iproute2',
      'cpio',
      'mtools',
      'xz-utils',
      'xorriso',
      'tgt',
    ],
  },
  {
    use: 'DHCP configurations with other servers',
    packages: ['isc-dhcp-server', 'isc-dhcp-relay', 'kea-dhcp4-server'],
  },
  { use: 'tests with a real PostgreSQL', packages: ['postgresql'] },
  { use: 'tests of object storage with OpenStack Swift', packages: ['python3-swift'] },
  { use: 'examples of the guide for clients', packages: ['python3-requests', 'git', 'curl'] },
  { use: 'imports of ISOs and archives', packages: ['7zip', 'genisoimage', 'xorriso', 'xz-utils'] },
  { use: 'downloads from a real web server', packages: ['nginx-light'] },
  { use: 'DHCP packets read by another program', packages: ['tshark'] },
  { use: 'tests of metrics, dashboard and alert rules', packages: ['prometheus'] },
  { use: 'tests of the page in a browser', packages: ['chromium', 'fonts-dejavu-core'] },
  { use: 'TFTP tests with other clients', packages: ['curl', 'tftp-hpa', 'atftp', 'busybox-static'] },
]

/**
 * Installs the Debian packages that the tests need.
 * @returns {string[]} a line for each group of tests that cannot run, with the reason and the command that installs its packages
 */
export function installTestPackages() {
  const missing = uses
    .map(({ use, packages }) => ({ use, packages: packages.filter((name) => !isInstalled(name)) }))
    .filter(({ packages }) => packages.length > 0)
  if (missing.length === 0) return []
  const reason = installPackages(missing)
  if (reason === undefined) return []
  return missing.map((group) => `${group.use} cannot run: ${reason}. Install the packages: ${installCommand([group])}`)
}
