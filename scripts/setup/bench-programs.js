import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { whyNoDebianPackages } from './debian-packages.js'
import { install } from './test-packages.js'

/** What each measurement runs besides Bootwright: a program, and Debian's package that has it. */
const programs = {
  nginx: 'nginx-light',
  'in.tftpd': 'tftpd-hpa',
  curl: 'curl',
  wrk: 'wrk',
  postgres: 'postgresql',
}
const needs = {
  files: ['nginx', 'curl'],
  tftp: ['in.tftpd', 'curl'],
  scripts: ['nginx', 'wrk', 'postgres'],
  bulk: ['postgres'],
  durable: [],
  storm: ['nginx', 'in.tftpd', 'postgres'],
}

/**
 * Installs what measurements run, where this is Debian and we are root.
 * @param {string[]} names of the measurements
 * @param {(program: string) => boolean} [isThere]
 * @throws {Error} that names what to install, and how
 */
export function bringBenchPieces(names, isThere = isInstalled) {
  const wrong = names.find((name) => !(name in needs))
  if (wrong !== undefined)
    throw new Error(`there is no measurement ${wrong}: expected ${Object.keys(needs).join(', ')}`)
  const programsOf = (/** @type {string} */ name) => needs[/** @type {keyof typeof needs} */ (name)]
  const missing = [...new Set(names.flatMap(programsOf))].filter((program) => !isThere(program))
  if (missing.length === 0) return
  const packages = missing.map((program) => programs[/** @type {keyof typeof programs} */ (program)])
  const reason = whyNoDebianPackages() ?? (process.getuid?.() === 0 ? undefined : 'installing packages needs root')
  if (reason !== undefined)
    throw new Error(
      `${missing.join(', ')}: not found, and not installed (${reason}). Install them first: apt-get install --no-install-recommends ${packages.join(' ')}`,
    )
  install(packages)
}

/** @param {string} program */
function isInstalled(program) {
  // Daemons are in sbin, which is not in every PATH; PostgreSQL's own programs are below its version.
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', ...postgresFolders()]
  return folders.some((folder) => existsSync(join(folder, program)))
}

function postgresFolders() {
  const root = '/usr/lib/postgresql'
  return existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : []
}
