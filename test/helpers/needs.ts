import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const warned = new Set<string>()

/**
 * Whether a program is on PATH, for `test.runIf`. Where it is missing the first call says which Debian package has it.
 * @throws Error when it is missing and `CI` or `REQUIRE_ALL_TESTS` is set: there nothing may go untested
 */
export function hasTool(name: string, debianPackage: string): boolean {
  if ((process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, name)))) return true
  const line = `${name} is not installed (Debian: apt-get install ${debianPackage})`
  if (process.env.CI || process.env.REQUIRE_ALL_TESTS) throw new Error(line)
  if (!warned.has(name)) console.warn(`${line}: its tests are left out`)
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
