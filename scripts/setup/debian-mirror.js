import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The Debian mirror of this machine: the first source of sources.list(5), in either format, that has `main` of this release.
 * @returns {string}
 * @throws {Error} if no source names a mirror
 */
export function debianMirror() {
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
  // Other archives also publish a `main` for a Debian release. Debian's rules for mirrors require a path that ends in /debian.
  const best = candidates.find(({ uri }) => /\/debian\/?$/.test(uri)) ?? candidates[0]
  if (best === undefined) throw new Error('no Debian mirror in /etc/apt/sources.list or sources.list.d')
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
    ([, uri = '', suite = '', components = '']) =>
      isHttp(uri) ? [{ uri, suites: [suite], components: components.trim().split(/\s+/) }] : [],
  )
}

/** @param {string} uri */
function isHttp(uri) {
  return /^https?:\/\//.test(uri)
}

/**
 * @param {string} field of os-release(5)
 * @returns {string | undefined}
 */
export function osRelease(field) {
  const file = '/etc/os-release'
  if (!existsSync(file)) return undefined
  return new RegExp(`^${field}="?([^"\\n]*)"?$`, 'm').exec(readFileSync(file, 'utf8'))?.[1]
}
