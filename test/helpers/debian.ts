import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { piece } from '../../scripts/lab/pieces.ts'

/** The kernel and initrd of Debian's installer, and an ISO of memtest86+, as setup downloads them. */
const names = {
  linux: 'debian-installer/linux',
  initrd: 'debian-installer/initrd.gz',
  armLinux: 'debian-installer-arm64/linux',
  armInitrd: 'debian-installer-arm64/initrd.gz',
  memtest: 'memtest86+/memtest86+x64.iso',
} as const

const sizes = { linux: 8_000_000, initrd: 30_000_000, armLinux: 9_000_000, armInitrd: 20_000_000, memtest: 6_000_000 }

/** Whether setup downloaded a file from Debian. */
export function isReal(name: keyof typeof names): boolean {
  return existsSync(piece(names[name]))
}

/** A file from Debian. If setup could not download it, random bytes of a similar size. */
export function debianFile(name: keyof typeof names): Buffer {
  return isReal(name) ? readFileSync(piece(names[name])) : randomBytes(sizes[name])
}
