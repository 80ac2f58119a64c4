import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchDebianPackages, whyNoApt } from './debian-packages.js'
import { repository, run } from './run.js'

const folder = join(repository, 'ipxe/nbp')

/**
 * The boot programs by the name that DHCP servers send, each with its names in Debian's package: the amd64 build is
 * `ipxe.efi` up to bookworm, and `ipxe-amd64.efi` since then.
 */
const programs = {
  'undionly.kpxe': ['undionly.kpxe'],
  'ipxe.efi': ['ipxe-amd64.efi', 'ipxe.efi'],
  'snponly.efi': ['snponly.efi'],
  'ipxe-arm64.efi': ['ipxe-arm64.efi'],
  'ipxe-riscv64.efi': ['ipxe-riscv64.efi'],
  'ipxe-loong64.efi': ['ipxe-loong64.efi'],
}

/** Few sites need these, and older packages do not have them. Setup does not report them as missing. */
const rare = ['ipxe-riscv64.efi', 'ipxe-loong64.efi']

/**
 * Copies missing boot programs into ipxe/nbp: from Debian stable, or else from an installed package.
 * Existing files stay as they are, because an operator may have put them there.
 * @returns {string[]} lines that name what is still missing, and how to provide it
 */
export function fetchBootPrograms() {
  if (missingCommonPrograms().length === 0) return []
  const reason = whyNoApt() ?? fetchFromDebian()
  if (missingCommonPrograms().length > 0) copyPrograms('/usr/lib/ipxe', installedVersion())
  const missing = missingCommonPrograms()
  if (missing.length === 0) return []
  return [
    `boot programs are missing in ipxe/nbp: ${missing.join(', ')}. Machines cannot fetch them by TFTP or HTTP`,
    ...(reason ? [`  Setup could not fetch them from Debian: ${reason}`] : []),
    '  On Debian: apt-get install --no-install-recommends ipxe, then run this command again',
    '  Elsewhere: copy them from https://boot.ipxe.org, see ipxe/nbp/README.md',
  ]
}

/** @returns {string | undefined} the reason of the failure */
function fetchFromDebian() {
  const unpacked = mkdtempSync(join(tmpdir(), 'bootwright-ipxe-'))
  try {
    console.log('setup: fetching iPXE from Debian stable into ipxe/nbp (package ipxe, unpacked, not installed)')
    const [ipxe] = fetchDebianPackages({ suite: 'stable', packages: ['ipxe'], into: unpacked })
    copyPrograms(join(unpacked, 'usr/lib/ipxe'), `Debian ipxe ${ipxe?.version}`)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    rmSync(unpacked, { recursive: true, force: true })
  }
}

/**
 * @param {string} from
 * @param {string} version
 */
function copyPrograms(from, version) {
  mkdirSync(folder, { recursive: true })
  for (const name of missingPrograms()) {
    const source = programs[name].map((file) => join(from, file)).find((path) => existsSync(path))
    if (source === undefined) continue
    const target = join(folder, name)
    copyFileSync(source, `${target}.new`)
    renameSync(`${target}.new`, target)
    const line = `${createHash('sha256').update(readFileSync(target)).digest('hex')}  ${name}  ${version}`
    writeFileSync(join(folder, 'VERSIONS.txt'), `${line}\n`, { flag: 'a' })
    console.log(`setup: ${line}`)
  }
}

/** @returns {(keyof typeof programs)[]} */
function missingPrograms() {
  const names = /** @type {(keyof typeof programs)[]} */ (Object.keys(programs))
  return names.filter((name) => !existsSync(join(folder, name)))
}

/** @returns {string[]} */
function missingCommonPrograms() {
  return missingPrograms().filter((name) => !rare.includes(name))
}

/** @returns {string} */
function installedVersion() {
  try {
    const version = /^Version: (.*)$/m.exec(run('dpkg', ['--status', 'ipxe']))?.[1]
    return `installed package ipxe ${version}`
  } catch {
    return 'from /usr/lib/ipxe'
  }
}
