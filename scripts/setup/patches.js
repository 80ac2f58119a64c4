import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './run.js'

/**
 * Applies patches/*.patch, named PACKAGE@VERSION, to the installed packages. Again is harmless: what is applied stays as it is.
 * @throws {Error} if a patch is for another version than the installed one
 */
export async function applyPatches() {
  // Installed a moment ago, maybe: this file is loaded before any package is there.
  const { applyPatch, parsePatch, reversePatch } = await import('diff')
  const folder = join(repository, 'patches')
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.patch'))) {
    const [, packageName = '', version] = /^(.+)@([^@]+)\.patch$/.exec(name) ?? []
    const home = join(repository, 'node_modules', packageName)
    if (!existsSync(home)) throw new Error(`patches/${name}: ${packageName} is not installed`)
    const installed = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).version
    if (installed !== version)
      throw new Error(`patches/${name}: expected ${packageName} ${version}, got ${installed}: see patches/README.md`)
    for (const patch of parsePatch(readFileSync(join(folder, name), 'utf8'))) {
      const path = join(home, (patch.newFileName ?? '').replace(/^b\//, ''))
      const text = readFileSync(path, 'utf8')
      if (applyPatch(text, reversePatch(patch)) !== false) continue
      const patched = applyPatch(text, patch)
      if (patched === false) throw new Error(`patches/${name}: does not fit ${path}; reinstall it with: npm ci`)
      // A new file, not the old one changed: package stores share files between projects by hard links.
      writeFileSync(`${path}.new`, patched)
      renameSync(`${path}.new`, path)
    }
  }
}
