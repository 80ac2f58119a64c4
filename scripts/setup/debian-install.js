import { whyNoApt } from './debian-packages.js'
import { run } from './run.js'

/** @typedef {{ use: string, packages: string[] }} PackageUse What needs which Debian packages. */

/**
 * Installs Debian packages with apt-get. Says first which packages, and what needs them.
 * @param {PackageUse[]} uses of packages that are not installed
 * @returns {string | undefined} why nothing was installed; undefined after an installation
 * @throws {Error} if apt-get fails
 */
export function installPackages(uses) {
  const reason = whyNoApt() ?? (process.getuid?.() === 0 ? undefined : 'apt-get install needs root')
  if (reason !== undefined) return reason
  console.log('setup: installing Debian packages with apt-get:')
  for (const { use, packages } of uses) console.log(`setup:   ${packages.join(' ')} (for ${use})`)
  console.log('setup: to install nothing, stop this command and set BOOTWRIGHT_NO_APT=1')
  // With this run level, packages with a daemon (postgresql) leave it stopped: invoke-rc.d(8).
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  run('apt-get', ['-q', 'update'], { env })
  run('apt-get', ['-q', '-y', ...installArguments(uses)], { env })
  return undefined
}

/**
 * The command that installs the packages by hand.
 * @param {PackageUse[]} uses
 */
export function installCommand(uses) {
  return ['apt-get', ...installArguments(uses)].join(' ')
}

/** @param {PackageUse[]} uses */
function installArguments(uses) {
  return ['install', '--no-install-recommends', ...new Set(uses.flatMap(({ packages }) => packages))]
}

/**
 * @param {string} name of a Debian package
 * @returns {boolean}
 */
export function isInstalled(name) {
  try {
    return /^Status: .* installed$/m.test(run('dpkg', ['--status', name]))
  } catch {
    return false
  }
}
