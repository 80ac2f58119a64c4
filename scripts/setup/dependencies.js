import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { repository, run } from './run.js'

/** Installs the npm packages of package-lock.json if there are none, or if the lock file or a patch is newer. */
export function installDependencies() {
  // A changed patch fits only the package as it was published, not one that has the patch of before.
  installPackages('.', 'npm packages', newestIn('patches'))
}

/** Installs the generators of API clients that the tests use: apart from the program, which has another TypeScript. */
export function installTestClients() {
  installPackages('test/clients', 'generators of API clients')
}

/**
 * @param {string} folder
 * @param {string} what
 * @param {number} [neededAt] milliseconds since 1970: an older installation is replaced
 */
function installPackages(folder, what, neededAt = 0) {
  // npm writes this file at the end of every installation.
  const installed = changedAt(join(folder, 'node_modules/.package-lock.json'))
  if (installed >= Math.max(neededAt, changedAt(join(folder, 'package-lock.json')))) return
  console.log(`setup: installing ${what}`)
  try {
    // Development packages too, whatever NODE_ENV says: the compiler is one of them.
    run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: join(repository, folder),
    })
  } catch (error) {
    throw new Error(
      `npm ci failed; is the registry reachable (npm ping)?\n${error instanceof Error ? error.message : error}`,
    )
  }
}

/** Compiles src/ to dist/ when something in src/ is newer; a result left from deleted sources does not survive. */
export function compile() {
  const newest = Math.max(newestIn('src'), changedAt('tsconfig.json'), changedAt('tsconfig.build.json'))
  if (changedAt('dist/main.js') > newest) return
  console.log('setup: compiling')
  rmSync(join(repository, 'dist'), { recursive: true, force: true })
  try {
    run('node', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'])
  } catch (error) {
    // The compiler writes files in spite of errors; they would pass for a good result at the next start.
    rmSync(join(repository, 'dist'), { recursive: true, force: true })
    throw error
  }
}

/**
 * @param {string} path
 * @returns {number} milliseconds since 1970; 0 when there is no such file
 */
function changedAt(path) {
  const absolute = join(repository, path)
  return existsSync(absolute) ? statSync(absolute).mtimeMs : 0
}

/**
 * The time of the last change in a folder. Folders count as well: theirs changes when a file is deleted.
 * @param {string} folder
 * @returns {number}
 */
function newestIn(folder) {
  const entries = readdirSync(join(repository, folder), { withFileTypes: true })
  const times = entries.map((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? newestIn(path) : changedAt(path)
  })
  return Math.max(changedAt(folder), ...times)
}
