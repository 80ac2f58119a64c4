import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { programDir } from '../../src/lib/program-dir.ts'

/** A file or folder of what setup brought for the lab: `x86_64/vmlinuz`, `efi-shell/shellx64.efi`, … */
export function piece(path: string): string {
  return join(programDir, '.lab/cache', path)
}

const wanted = ['x86_64', 'arm64', 'ipxe-2019', 'efi-shell', 'isolinux', 'debian-installer']

/** Why the lab cannot run here, in words; undefined where it can. `node scripts/setup.js test` brings what it needs. */
export function whyNoLab(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  if (process.getuid?.() !== 0) return 'making network namespaces needs root'
  const missing = wanted.filter((name) => !existsSync(piece(name)))
  return missing.length === 0 ? undefined : `${missing.join(', ')} missing: node scripts/setup.js test`
}
