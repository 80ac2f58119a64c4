import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './run.js'

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** @typedef {{ name: string, version: string }} FetchedPackage */

/**
 * Downloads packages of one Debian suite and unpacks them all into one folder, without installing anything and without
 * touching the machine's own apt: own lists, own cache, own status; only its mirror and its proxy settings are used.
 * Signatures and checksums are checked by apt as always. Needs no root.
 * @param {object} wanted
 * @param {string} wanted.suite `stable`, `bookworm`, …
 * @param {string[]} wanted.packages names as apt takes them: `ipxe`, `busybox-static:arm64`
 * @param {string} wanted.into folder, created
 * @param {RegExp} [wanted.dependencies] also the direct dependencies with such a name: what a metapackage stands for
 * @returns {FetchedPackage[]}
 * @throws {Error} where this is not Debian, or a package is not to be had
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

/** @returns {string | undefined} why packages cannot be fetched from Debian here; undefined where they can */
export function whyNoDebianPackages() {
  if (osRelease('ID') !== 'debian') return 'this is not Debian'
  if (!existsSync(keyring)) return `${keyring} is missing (apt-get install debian-archive-keyring)`
  try {
    debianMirror()
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
    `APT::Architectures { ${architectures.map((one) => `"${one}";`).join(' ')} };`,
    // The user _apt of a root's apt cannot write into a folder made by mkdtemp.
    'APT::Sandbox::User "root";',
    // Hooks of the machine's own configuration, for its own lists: docker-clean, appstream.
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
 * @returns {string[]} the direct dependencies whose name fits, of the same architecture
 */
function dependenciesOf(apt, name, pattern) {
  if (pattern === undefined) return []
  const [, architecture] = name.split(':')
  const found = [...apt('apt-cache', 'depends', name).matchAll(/^ +\|?Depends: ([a-z0-9][a-z0-9.+-]*)/gm)]
  return found.flatMap(([, one = '']) => (pattern.test(one) ? [architecture ? `${one}:${architecture}` : one] : []))
}

/**
 * @param {string[]} packages
 * @returns {string[]} the machine's own architecture first, then those named
 */
function architecturesOf(packages) {
  const own = run('dpkg', ['--print-architecture']).trim()
  return [...new Set([own, ...packages.flatMap((name) => name.split(':')[1] ?? [])])]
}

/**
 * The machine's own mirror of Debian: the first source, in either format of sources.list(5), that has this release's main.
 * @returns {string}
 */
function debianMirror() {
  const folder = '/etc/apt/sources.list.d'
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder)
      ? readdirSync(folder)
          .sort()
          .map((name) => join(folder, name))
      : []),
  ]
  const sources = files
    .filter((file) => existsSync(file))
    .flatMap((file) => {
      const text = readFileSync(file, 'utf8')
      if (file.endsWith('.sources')) return deb822Sources(text)
      return file.endsWith('.list') ? oneLineSources(text) : []
    })
  const releases = [osRelease('VERSION_CODENAME'), 'stable', 'oldstable', 'testing', 'sid', 'unstable']
  const candidates = sources.filter(
    ({ suites, components }) => components.includes('main') && suites.some((suite) => releases.includes(suite)),
  )
  // Others publish a `main` for a release of Debian as well; Debian's own mirrors end in /debian by its rules for mirrors.
  const best = candidates.find(({ uri }) => /\/debian\/?$/.test(uri)) ?? candidates[0]
  if (best === undefined) throw new Error('no mirror of Debian in /etc/apt/sources.list or sources.list.d')
  return best.uri
}

/** @typedef {{ uri: string, suites: string[], components: string[] }} Source */

/**
 * @param {string} text
 * @returns {Source[]}
 */
function deb822Sources(text) {
  const stanzas = text.replace(/^#.*\n/gm, '').split(/\n\s*\n/)
  return stanzas.flatMap((stanza) => {
    const words = (/** @type {string} */ field) =>
      new RegExp(`^${field}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]?.trim().split(/\s+/) ?? []
    if (!words('Types').includes('deb') || words('Enabled')[0] === 'no') return []
    return words('URIs')
      .filter(isHttp)
      .map((uri) => ({ uri, suites: words('Suites'), components: words('Components') }))
  })
}

/**
 * @param {string} text
 * @returns {Source[]}
 */
function oneLineSources(text) {
  return [...text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#\n]*)/gm)].flatMap(
    ([, uri = '', suite = '', rest = '']) =>
      isHttp(uri) ? [{ uri, suites: [suite], components: rest.trim().split(/\s+/) }] : [],
  )
}

/** @param {string} uri */
function isHttp(uri) {
  return /^https?:\/\//.test(uri)
}

/**
 * @param {string} field
 * @returns {string | undefined}
 */
function osRelease(field) {
  const file = '/etc/os-release'
  if (!existsSync(file)) return undefined
  return new RegExp(`^${field}="?([^"\\n]*)"?$`, 'm').exec(readFileSync(file, 'utf8'))?.[1]
}
