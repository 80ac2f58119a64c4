import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { programDir } from '../../src/lib/program-dir.ts'

/** A file or folder that setup downloaded for the lab: `x86_64/vmlinuz`, `efi-shell/shellx64.efi`, … */
export function piece(path: string): string {
  return join(programDir, '.lab/cache', path)
}

const required = ['x86_64', 'arm64', 'ipxe-2019', 'efi-shell', 'isolinux', 'debian-installer']

/** The reason why the lab cannot run here; undefined if it can. `node scripts/setup.js test` installs its files. */
export function whyNoLab(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces exist only on Linux'
  if (process.getuid?.() !== 0) return 'creating network namespaces needs root'
  const missing = required.filter((name) => !existsSync(piece(name)))
  return missing.length === 0 ? undefined : `${missing.join(', ')} missing: node scripts/setup.js test`
}
