import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { repository, run } from './run.js'

/** Installs the npm packages of package-lock.json if they are missing, or if the lock file or a patch is newer. */
export function installDependencies() {
  // A changed patch applies only to the published package, not to a package with the previous patch.
  installPackages('.', 'npm packages', newestIn('patches'))
}

/** Installs the generators of API clients for the tests. They have their own folder because they need another TypeScript. */
export function installTestClients() {
  installPackages('test/clients', 'generators of API clients')
}

/**
 * @param {string} folder
 * @param {string} what
 * @param {number} [neededAt] replace an installation that is older than this, milliseconds since 1970
 */
function installPackages(folder, what, neededAt = 0) {
  // npm writes this file at the end of every installation.
  const installed = changedAt(join(folder, 'node_modules/.package-lock.json'))
  if (installed >= Math.max(neededAt, changedAt(join(folder, 'package-lock.json')))) return
  console.log(`setup: installing ${what} into ${join(folder, 'node_modules')} (npm ci)`)
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

/** Compiles src/ to dist/ if a source file is newer. Removes dist/ first, so that no result of a deleted source stays. */
export function compile() {
  const newest = Math.max(newestIn('src'), changedAt('tsconfig.json'), changedAt('tsconfig.build.json'))
  if (changedAt('dist/main.js') > newest) return
  console.log('setup: compiling src/ to dist/')
  rmSync(join(repository, 'dist'), { recursive: true, force: true })
  try {
    run('node', ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'])
  } catch (error) {
    // The compiler writes files even after errors. The next start must not take them for a good result.
    rmSync(join(repository, 'dist'), { recursive: true, force: true })
    throw error
  }
}

/**
 * @param {string} path
 * @returns {number} milliseconds since 1970; 0 if the file does not exist
 */
function changedAt(path) {
  const absolute = join(repository, path)
  return existsSync(absolute) ? statSync(absolute).mtimeMs : 0
}

/**
 * The time of the last change in a folder. The time of a folder counts too: it changes when a file is deleted.
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
