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
import { fetchDebianPackages, whyNoDebianPackages } from './debian-packages.js'
import { repository, run } from './run.js'

const folder = join(repository, 'ipxe/nbp')

/**
 * The boot programs by the name that DHCP servers hand out, and their names in Debian's package: `ipxe.efi` was the
 * amd64 build until bookworm, `ipxe-amd64.efi` is since.
 */
const programs = {
  'undionly.kpxe': ['undionly.kpxe'],
  'ipxe.efi': ['ipxe-amd64.efi', 'ipxe.efi'],
  'snponly.efi': ['snponly.efi'],
  'ipxe-arm64.efi': ['ipxe-arm64.efi'],
}

/**
 * Puts the boot programs that are not there yet into ipxe/nbp: of the newest Debian stable, else of an installed package.
 * A file that is there already is left alone: it may be the operator's.
 * @returns {string[]} what is missing afterwards, and how to provide it
 */
export function bringBootPrograms() {
  if (missingPrograms().length === 0) return []
  const reason = whyNoDebianPackages() ?? bringFromDebian()
  if (missingPrograms().length > 0) copyPrograms('/usr/lib/ipxe', installedVersion())
  const missing = missingPrograms()
  if (missing.length === 0) return []
  return [
    `no boot program ${missing.join(', ')} in ipxe/nbp; machines whose DHCP server names one will not find it`,
    ...(reason ? [`  they could not be fetched from Debian: ${reason}`] : []),
    "  put them there yourself: your distribution's ipxe package, or https://boot.ipxe.org (see ipxe/nbp/README.md)",
  ]
}

/** @returns {string | undefined} why it failed */
function bringFromDebian() {
  const unpacked = mkdtempSync(join(tmpdir(), 'bootwright-ipxe-'))
  try {
    console.log('setup: fetching boot programs: the ipxe package of Debian stable')
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
    const source = programs[name].map((one) => join(from, one)).find((path) => existsSync(path))
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

/** @returns {string} */
function installedVersion() {
  try {
    const version = /^Version: (.*)$/m.exec(run('dpkg', ['--status', 'ipxe']))?.[1]
    return `installed package ipxe ${version}`
  } catch {
    return 'found in /usr/lib/ipxe'
  }
}
