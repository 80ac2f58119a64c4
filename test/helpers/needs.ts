import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const warned = new Set<string>()

/**
 * Whether a program is on PATH, for `test.runIf`. If it is missing, the first call names its Debian package.
 * @throws Error if it is missing and `CI` or `REQUIRE_ALL_TESTS` is set, because then every test must run
 */
export function hasTool(name: string, debianPackage: string): boolean {
  if ((process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)))) return true
  const line = `${name} is not installed (Debian: apt-get install ${debianPackage})`
  if (process.env.CI || process.env.REQUIRE_ALL_TESTS) throw new Error(line)
  if (!warned.has(name)) console.warn(`${line}: its tests do not run`)
  warned.add(name)
  return false
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
