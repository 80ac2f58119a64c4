import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { installCommand, installPackages } from './debian-install.js'

/** The programs that benchmarks run beside Bootwright, each with its Debian package. */
const packages = {
  nginx: 'nginx-light',
  'in.tftpd': 'tftpd-hpa',
  curl: 'curl',
  dnsmasq: 'dnsmasq-base',
  nft: 'nftables',
  wrk: 'wrk',
  postgres: 'postgresql',
}

/** @type {Record<string, (keyof typeof packages)[]>} */
const benchmarks = {
  files: ['nginx', 'curl'],
  tftp: ['in.tftpd', 'dnsmasq', 'nft', 'curl'],
  scripts: ['nginx', 'wrk', 'postgres'],
  'script-cost': ['wrk'],
  bulk: ['postgres'],
  page: ['postgres'],
  durable: [],
  embedded: [],
  roster: [],
  counts: ['postgres'],
  storm: ['nginx', 'in.tftpd', 'postgres'],
}

/**
 * Installs the programs that benchmarks run.
 * @param {string[]} names of the benchmarks
 * @throws {Error} if a program is missing and cannot be installed; the message names the command that installs it
 */
export function installBenchPrograms(names) {
  const uses = names.map((name) => {
    const programs = benchmarks[name]
    if (programs === undefined)
      throw new Error(`Expected a benchmark (${Object.keys(benchmarks).join(', ')}), got "${name}"`)
    const missing = programs.filter((program) => !hasProgram(program))
    return { use: `the benchmark ${name}`, packages: missing.map((program) => packages[program]) }
  })
  const missing = uses.filter((use) => use.packages.length > 0)
  if (missing.length === 0) return
  const reason = installPackages(missing)
  if (reason !== undefined)
    throw new Error(`benchmarks need programs: ${reason}. Install the packages: ${installCommand(missing)}`)
}

/** @param {string} program */
function hasProgram(program) {
  // Daemons are in sbin, which is not in every PATH; PostgreSQL's own programs are below its version.
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin', ...postgresFolders()]
  return folders.some((folder) => existsSync(join(folder, program)))
}

function postgresFolders() {
  const root = '/usr/lib/postgresql'
  return existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : []
}
