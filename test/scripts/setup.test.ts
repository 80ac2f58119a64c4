import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { whyNoApt } from '../../scripts/setup/debian-packages.js'
import { programDir } from '../../src/lib/program-dir.ts'

const isDebianRoot = whyNoApt() === undefined && process.getuid?.() === 0
const mayInstallPackages = isDebianRoot || Boolean(process.env.CI || process.env.REQUIRE_ALL_TESTS)

let folder: string

// A separate checkout without boot programs and lab files, and programs that replace those of the system.
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-setup-'))
  cpSync(join(programDir, 'scripts'), join(folder, 'checkout/scripts'), { recursive: true })
  const shared = ['node_modules', 'dist', 'src', 'patches', 'test', 'package.json', 'package-lock.json']
  for (const name of [...shared, 'tsconfig.json', 'tsconfig.build.json'])
    symlinkSync(join(programDir, name), join(folder, 'checkout', name))
  mkdirSync(join(folder, 'programs'))
  addProgram(
    'dpkg',
    'case "$*" in --print*) echo amd64;; *tgt|*postgresql) exit 1;; *) echo "Status: install ok installed";; esac',
  )
  addProgram('apt-get', `echo "$@" >> ${join(folder, 'apt-get.log')}; exit 100`)
  addProgram('npm', 'exit 0')
})

afterEach(() => rm(folder, { recursive: true }))

function addProgram(name: string, script: string): void {
  const path = join(folder, 'programs', name)
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
}

function runSetup(step: 'start' | 'test', env: Record<string, string>) {
  const { CI, REQUIRE_ALL_TESTS, BOOTWRIGHT_NO_APT, ...inherited } = process.env
  const PATH = `${join(folder, 'programs')}:${process.env.PATH}`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/setup.js', step], {
    cwd: join(folder, 'checkout'),
    env: { ...inherited, PATH, ...env },
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

const commands = () => {
  const log = join(folder, 'apt-get.log')
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []
}

describe('setup of the tests', () => {
  test.runIf(mayInstallPackages)('names the Debian packages and their use before it installs them', () => {
    addProgram('apt-get', `echo "$@" >> ${join(folder, 'apt-get.log')}; case "$*" in *-c*) exit 100; esac`)
    const { stdout } = runSetup('test', {})
    expect(stdout).toContain(
      'setup:   tgt (for the lab (test/lab))\nsetup:   postgresql (for tests with a real PostgreSQL)\n',
    )
    expect(stdout.indexOf('BOOTWRIGHT_NO_APT=1')).toBeGreaterThan(stdout.indexOf('postgresql'))
    expect(commands()).toContain('-q -y install --no-install-recommends tgt postgresql')
  })

  test.runIf(mayInstallPackages)(
    'stops before apt-get installs, with the reason, if the lists cannot be updated',
    () => {
      const { status, stdout, stderr } = runSetup('test', {})
      expect(status).toBe(1)
      expect(stdout).toContain('setup:   tgt (for the lab (test/lab))\n')
      expect(stderr).toContain('apt-get -q update: exit code 100')
      expect(commands().join()).not.toContain('install')
    },
  )

  test('installs nothing with BOOTWRIGHT_NO_APT, and names the command instead', () => {
    const { status, stderr } = runSetup('test', { BOOTWRIGHT_NO_APT: '1' })
    expect(status).toBe(0)
    expect(stderr).toContain(
      'setup: tests with a real PostgreSQL cannot run: BOOTWRIGHT_NO_APT is set. ' +
        'Install the packages: apt-get install --no-install-recommends postgresql\n',
    )
    expect(commands()).toEqual([])
  })

  test.each(['CI', 'REQUIRE_ALL_TESTS'])('fails with %s if something is missing', (name) => {
    const { status, stderr } = runSetup('test', { BOOTWRIGHT_NO_APT: '1', [name]: '1' })
    expect(status).toBe(1)
    expect(stderr).toContain('setup: CI or REQUIRE_ALL_TESTS is set, so nothing may be missing\n')
  })
})

describe('setup of the server', () => {
  test.runIf(mayInstallPackages)('says that it fetches boot programs, and installs no package', () => {
    const { stdout } = runSetup('start', {})
    expect(stdout).toContain('fetching iPXE from Debian stable into ipxe/nbp (package ipxe, unpacked, not installed)')
    expect(commands().length).toBeGreaterThan(0)
    expect(commands().join()).not.toContain('install')
  })

  test('fetches nothing with BOOTWRIGHT_NO_APT, and names the command instead', () => {
    const { status, stderr } = runSetup('start', { BOOTWRIGHT_NO_APT: '1' })
    expect(status).toBe(0)
    expect(commands()).toEqual([])
    // If the package is installed, setup copies its files.
    if (existsSync('/usr/lib/ipxe/undionly.kpxe')) return
    expect(stderr).toContain('setup: boot programs are missing in ipxe/nbp: undionly.kpxe')
    expect(stderr).toContain('apt-get install --no-install-recommends ipxe')
  })
})
