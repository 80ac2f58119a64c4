import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeBootSector } from './boot-sector.ts'
import { type Net, serverAddress } from './net.ts'
import { piece } from './pieces.ts'
import { type Running, startIn } from './process.ts'

/** Host and port of the mirror, in the form that an installer expects. The mirror runs on the host of the boot server. */
export const mirrorHost = `${serverAddress}:8082`

/**
 * Replaces Debian's partitioner, base system and boot loader, whose packages are not available here. It takes the disk of
 * the preseed file, writes a boot sector to it, runs the finish-install steps of the preseed, and restarts.
 */
const postinst = `#!/bin/sh
set -e
. /usr/share/debconf/confmodule
db_get partman-auto/disk
disk="$RET"
modprobe -a usb-storage sd_mod || true
tries=0
while [ ! -b "$disk" ] && [ "$tries" -lt 60 ]; do sleep 1; tries=$((tries + 1)); done
dd if=/usr/share/lab-disk/boot-sector of="$disk"
mkdir -p /target/root
/usr/lib/finish-install.d/07preseed
echo "lab: root's keys: $(cat /target/root/.ssh/authorized_keys)" > /dev/console
sync
reboot
`

/**
 * A Debian mirror for the installer, with the component of the lab only. Its lists are not signed, so the installer needs
 * `debian-installer/allow_unauthenticated=true`.
 */
export async function startDebianMirror(net: Net, workDir: string, diskLine: string): Promise<Running> {
  const root = join(workDir, 'mirror')
  const suite = join(root, 'debian/dists/bookworm')
  const udeb = 'pool/main/l/lab-disk/lab-disk_1_all.udeb'
  const control = {
    Package: 'lab-disk',
    Version: '1',
    Architecture: 'all',
    Maintainer: 'The lab <lab@lab.test>',
    Section: 'debian-installer',
    // The installer fetches components of this priority without a question. If none fits its kernel, it asks whether to continue.
    Priority: 'standard',
    'Kernel-Version': await kernelRelease(),
    'Installer-Menu-Item': '7000',
    Description: 'writes the disk',
  }
  await buildUdeb(join(workDir, 'lab-disk'), join(root, 'debian', udeb), control, diskLine)
  const bytes = await readFile(join(root, 'debian', udeb))
  const packages = fields({ ...control, Filename: udeb, Size: String(bytes.length), SHA256: sha256(bytes) })
  const release = fields({
    Origin: 'Debian',
    Suite: 'oldstable',
    Codename: 'bookworm',
    Components: 'main',
    Architectures: 'amd64',
  })
  const list = 'main/debian-installer/binary-amd64/Packages'
  await write(join(suite, list), packages)
  await write(
    join(suite, 'main/binary-amd64/Release'),
    fields({ Suite: 'oldstable', Component: 'main', Architecture: 'amd64' }),
  )
  await write(
    join(suite, 'Release'),
    `${release}SHA256:\n ${sha256(Buffer.from(packages))} ${packages.length} ${list}\n`,
  )
  return startIn(net.server, 'busybox', ['httpd', '-f', '-vv', '-p', mirrorHost, '-h', root])
}

async function buildUdeb(
  folder: string,
  file: string,
  control: Record<string, string>,
  diskLine: string,
): Promise<void> {
  const title = 'Template: debian-installer/lab-disk/title\nType: text\nDescription: Write the disk\n'
  await write(join(folder, 'DEBIAN/control'), fields(control))
  await write(join(folder, 'DEBIAN/templates'), title)
  await write(join(folder, 'DEBIAN/postinst'), postinst)
  await chmod(join(folder, 'DEBIAN/postinst'), 0o755)
  await write(join(folder, 'usr/share/lab-disk/boot-sector'), makeBootSector(diskLine))
  await mkdir(dirname(file), { recursive: true })
  const args = ['--root-owner-group', '-Zgzip', '--build', folder, file]
  const { status, stderr, error } = spawnSync('dpkg-deb', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`dpkg-deb: ${error?.message ?? stderr.trim()}`)
}

/** The release of the installer's kernel, from its header: `6.1.0-50-amd64` (kernel_version, Documentation/arch/x86/boot.rst). */
async function kernelRelease(): Promise<string> {
  const kernel = await readFile(piece('debian-installer/linux'))
  const at = kernel.readUInt16LE(0x20e) + 0x200
  return kernel.toString('latin1', at, at + 128).split(' ')[0] as string
}

function fields(record: Record<string, string>): string {
  return Object.entries(record)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')
}

async function write(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
