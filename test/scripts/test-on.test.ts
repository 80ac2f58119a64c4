import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { programDir } from '../../src/lib/program-dir.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-test-on-'))
  cpSync(join(programDir, 'scripts'), join(folder, 'scripts'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  addProgram('programs/npm', `echo "$@" >> ${folder}/npm.log; node --version >> ${folder}/npm.log; exit 3`)
})

afterEach(() => rm(folder, { recursive: true }))

function addProgram(path: string, script: string): void {
  mkdirSync(join(folder, dirname(path)), { recursive: true })
  writeFileSync(join(folder, path), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder, path), 0o755)
}

function runTestsOn(...args: string[]) {
  const env = { ...process.env, PATH: `${folder}/programs:${process.env.PATH}` }
  return spawnSync(process.execPath, ['scripts/test-on.js', ...args], { cwd: folder, env, encoding: 'utf8' })
}

describe('npm run test:on', () => {
  test('runs npm test on the named Node, with the arguments for vitest, and ends with its exit code', () => {
    addProgram('.cache/node-99/node_modules/node/bin/node', 'echo v99.0.0')
    const { status, stdout } = runTestsOn('99', 'test/a.test.ts', '-t', 'two words')
    expect(status).toBe(3)
    expect(stdout).toContain('test:on: Node v99.0.0\n')
    expect(readFileSync(join(folder, 'npm.log'), 'utf8')).toBe('test -- test/a.test.ts -t two words\nv99.0.0\n')
  })

  test('downloads a Node that is missing, and ends if npm cannot', () => {
    const { status, stderr } = runTestsOn('98')
    expect(status).toBe(1)
    expect(stderr).toMatch(/^test:on: npm install --prefix .*node-98 .* node@98: exit code 3/)
  })

  test.each(['', 'latest', '24;x'])('refuses the version %j', (version) => {
    const { status, stderr } = runTestsOn(version)
    expect(status).toBe(2)
    expect(stderr).toContain(`expected a version of Node, got "${version}"`)
  })
})
