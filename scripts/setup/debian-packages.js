import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { debianMirror, osRelease } from './debian-mirror.js'
import { run } from './run.js'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** @typedef {{ name: string, version: string }} FetchedPackage */

/**
 * Downloads packages of one Debian suite and unpacks all of them into one folder. Installs nothing and needs no root.
 * Apt runs with lists, a cache and a status of its own; it uses only the mirror and the proxy settings of this machine.
 * Apt verifies signatures and checksums as always.
 * @param {object} request
 * @param {string} request.suite `stable`, `bookworm`, …
 * @param {string[]} request.packages names in apt's form: `ipxe`, `busybox-static:arm64`
 * @param {string} request.into folder; this function creates it
 * @param {RegExp} [request.dependencies] also fetch direct dependencies with such a name, for metapackages
 * @returns {FetchedPackage[]}
 * @throws {Error} if this is not Debian, or if a package cannot be downloaded
 */
export function fetchDebianPackages({ suite, packages, into, dependencies }) {
  const mirror = debianMirror()
  const work = mkdtempSync(join(tmpdir(), 'bootwright-apt-'))
  try {
    const apt = privateApt(work, `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`, architecturesOf(packages))
    apt('apt-get', 'update', '--error-on=any')
    const names = packages.flatMap((name) => [name, ...dependenciesOf(apt, name, dependencies)])
    apt('apt-get', 'download', ...names)
    mkdirSync(into, { recursive: true })
    return readdirSync(work)
      .filter((file) => file.endsWith('.deb'))
      .map((file) => {
        run('dpkg-deb', ['--extract', join(work, file), into])
        const [name = '', version = ''] = run('dpkg-deb', ['--show', join(work, file)])
          .trim()
          .split('\t')
        return { name, version }
      })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** @returns {string | undefined} why setup cannot run apt-get here; undefined if it can */
export function whyNoApt() {
  if (process.env.BOOTWRIGHT_NO_APT) return 'BOOTWRIGHT_NO_APT is set'
  if (osRelease('ID') !== 'debian') return 'this is not Debian'
  if (!existsSync(keyring)) return `${keyring} is missing (apt-get install debian-archive-keyring)`
  try {
    debianMirror()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * @param {string} work
 * @param {string} sources
 * @param {string[]} architectures
 * @returns {(program: 'apt-get' | 'apt-cache', ...args: string[]) => string}
 */
function privateApt(work, sources, architectures) {
  for (const folder of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(work, folder), { recursive: true })
  writeFileSync(join(work, 'status'), '')
  writeFileSync(join(work, 'sources.list'), sources)
  const skipped = ['Contents-deb', 'DEP-11', 'DEP-11-icons', 'DEP-11-icons-small', 'DEP-11-icons-hidpi']
  const conf = [
    `Dir::State "${work}/state";`,
    `Dir::State::status "${work}/status";`,
    `Dir::Cache "${work}/cache";`,
    `Dir::Etc::sourcelist "${work}/sources.list";`,
    ...['sourceparts', 'preferences', 'preferencesparts'].map((part) => `Dir::Etc::${part} "/dev/null";`),
    '#clear APT::Architectures;',
    `APT::Architectures { ${architectures.map((name) => `"${name}";`).join(' ')} };`,
    // When root runs apt, apt downloads as the user _apt, which cannot write into a folder of mkdtemp.
    'APT::Sandbox::User "root";',
    // Hooks of this machine's configuration work on this machine's lists: docker-clean, appstream.
    ...['Post-Invoke', 'Post-Invoke-Success'].map((hook) => `#clear APT::Update::${hook};`),
    'Acquire::Languages "none";',
    'Acquire::http::Timeout "20";',
    ...skipped.map((index) => `Acquire::IndexTargets::deb::${index}::DefaultEnabled "false";`),
  ]
  writeFileSync(join(work, 'apt.conf'), `${conf.join('\n')}\n`)
  return (program, ...args) =>
    run(program, ['-c', join(work, 'apt.conf'), '-q', ...args], { cwd: work, env: { LC_ALL: 'C' } })
}

/**
 * @param {ReturnType<typeof privateApt>} apt
 * @param {string} name
 * @param {RegExp | undefined} pattern
 * @returns {string[]} the direct dependencies whose name matches, of the same architecture
 */
function dependenciesOf(apt, name, pattern) {
  if (pattern === undefined) return []
  const [, architecture] = name.split(':')
  const found = [...apt('apt-cache', 'depends', name).matchAll(/^ +\|?Depends: ([a-z0-9][a-z0-9.+-]*)/gm)]
  return found.flatMap(([, dependency = '']) =>
    pattern.test(dependency) ? [architecture ? `${dependency}:${architecture}` : dependency] : [],
  )
}

/**
 * @param {string[]} packages
 * @returns {string[]} the architecture of this machine first, then those of the packages
 */
function architecturesOf(packages) {
  const own = run('dpkg', ['--print-architecture']).trim()
  return [...new Set([own, ...packages.flatMap((name) => name.split(':')[1] ?? [])])]
}
