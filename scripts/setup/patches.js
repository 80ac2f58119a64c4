import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './run.js'

/**
 * Applies patches/*.patch, named PACKAGE@VERSION, to the installed packages. Skips patches that are already applied.
 * @throws {Error} if the installed version is not the version that a patch names
 */
export async function applyPatches() {
  // Imported here because this file is loaded before the package may be installed.
  const { applyPatch, parsePatch, reversePatch } = await import('diff')
  const folder = join(repository, 'patches')
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.patch'))) {
    const [, packageName = '', version] = /^(.+)@([^@]+)\.patch$/.exec(name) ?? []
    const home = join(repository, 'node_modules', packageName)
    if (!existsSync(home)) throw new Error(`patches/${name}: ${packageName} is not installed`)
    const installed = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version
    if (installed !== version)
      throw new Error(`patches/${name}: expected ${packageName} ${version}, got ${installed}. See patches/README.md`)
    for (const patch of parsePatch(readFileSync(join(folder, name), 'utf8'))) {
      const path = join(home, (patch.newFileName ?? '').replace(/^b\//, ''))
      const text = readFileSync(path, 'utf8')
      if (applyPatch(text, reversePatch(patch)) !== false) continue
      const patched = applyPatch(text, patch)
      if (patched === false)
        throw new Error(`patches/${name}: does not apply to ${path}. Reinstall the package: npm ci`)
      // A new file replaces the old one, because package stores share files between projects by hard links.
      writeFileSync(`${path}.new`, patched)
      renameSync(`${path}.new`, path)
    }
  }
}
