// The program's folder and its version.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * The folder of the program, which holds `ipxe/`, `migrations/` and `recipes/`: the parent of `src/` and, compiled, of
 * `dist/`.
 */
export const programDir = fileURLToPath(new URL('../..', import.meta.url))

let version: string | undefined

/**
 * The version in package.json. The first call reads the file, so a running server keeps its version during an upgrade.
 */
export function readVersion(): string {
  version ??= String(JSON.parse(readFileSync(join(programDir, 'package.json'), 'utf8')).version)
  return version
}
