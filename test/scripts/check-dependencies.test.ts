import { execFile } from 'node:child_process'
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Lock, unlistedLicences } from '../../scripts/dependencies/licences.ts'
import { programDir } from '../../src/lib/program-dir.ts'

const readLock = (): Lock => JSON.parse(readFileSync(join(programDir, 'package-lock.json'), 'utf8'))

describe('licences of production dependencies', () => {
  test('are all on the list', () => expect(unlistedLicences(readLock())).toEqual([]))

  test.each(['GPL-3.0-only', undefined])('do not include %s, which is refused by name', (license) => {
    const lock = readLock()
    expect(lock.packages['node_modules/hono']?.license).toBe('MIT')
    lock.packages['node_modules/hono'] = { version: '4.0.0', ...(license && { license }) }
    lock.packages['node_modules/x/node_modules/@scope/nested'] = { version: '1.0.0', license: 'UNLICENSED' }
    expect(unlistedLicences(lock)).toEqual([
      expect.stringMatching(new RegExp(`^hono 4.0.0: expected .*MIT.*, got "${license ?? 'none'}"`)),
      expect.stringMatching(/^@scope\/nested 1.0.0: .* got "UNLICENSED"/),
    ])
  })

  test('may differ for one package by an exception, and are not checked for development dependencies', () => {
    const packages = {
      '': { license: 'Apache-2.0' },
      'node_modules/a': { version: '1.0.0', license: 'LGPL-3.0+' },
      'node_modules/b': { version: '1.0.0', license: 'GPL-3.0-only', dev: true },
      'node_modules/openpgp': { version: '6.0.0', license: 'LGPL-3.0+' },
    }
    expect(unlistedLicences({ packages }).map((line) => line.split(':')[0])).toEqual(['a 1.0.0'])
  })
})

// The real npm queries a registry of this test. Only Bootwright depends on liquidjs.
describe('npm run check:dependencies', () => {
  let folder: string
  let severity: string | undefined
  const version = readLock().packages['node_modules/liquidjs']?.version ?? ''
  const registry = createServer((request, response) => {
    request.resume()
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.method !== 'POST')
      return answer(200, { name: 'liquidjs', versions: { [version]: { name: 'liquidjs', version } } })
    if (severity === undefined) return answer(405, {})
    const cvss = { score: 0, vectorString: null }
    const advisory = { id: 1, url: 'https://example.org/1', title: 'a fault', vulnerable_versions: '*', cwe: [], cvss }
    return answer(200, severity === 'none' ? {} : { liquidjs: [{ ...advisory, severity }] })
  })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bootwright-dependencies-'))
    cpSync(join(programDir, 'scripts'), join(folder, 'scripts'), { recursive: true })
    for (const name of ['package.json', 'package-lock.json']) cpSync(join(programDir, name), join(folder, name))
    symlinkSync(join(programDir, 'node_modules'), join(folder, 'node_modules'))
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    registry.close()
    await rm(folder, { recursive: true })
  })

  async function check(url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`) {
    const cache = join(folder, `cache-${Math.random()}`)
    const env = { ...process.env, npm_config_registry: url, npm_config_cache: cache }
    return new Promise<{ code: unknown; stdout: string }>((resolve) => {
      const program = ['node_modules/tsx/dist/cli.mjs', 'scripts/check-dependencies.ts']
      execFile(process.execPath, program, { cwd: folder, env }, (error, stdout) =>
        resolve({ code: error === null ? 0 : error.code, stdout }),
      )
    })
  }

  test.each([
    ['none', 0, 'audit: no published vulnerabilities in production dependencies\n'],
    ['moderate', 0, 'audit: liquidjs *: moderate. Run: npm audit\n'],
    ['high', 1, 'audit: liquidjs *: high. Run: npm audit\n'],
    ['critical', 1, 'audit: liquidjs *: critical. Run: npm audit\n'],
  ])('exits with a vulnerability of level %s with code %d', async (level, code, line) => {
    severity = level
    expect(await check()).toEqual({ code, stdout: expect.stringContaining(line) })
  })

  test('passes if the registry is unreachable or has no audit endpoint', async () => {
    severity = undefined
    const line = 'audit: skipped, because the registry gave no report: '
    expect(await check()).toEqual({ code: 0, stdout: expect.stringContaining(`${line}405 Method Not Allowed`) })
    const unreachable = await check('http://127.0.0.1:9')
    expect(unreachable).toEqual({ code: 0, stdout: expect.stringMatching(new RegExp(`${line}.*ECONNREFUSED`)) })
  })

  test('fails for a licence that is not on the list', async () => {
    severity = 'none'
    const path = join(folder, 'package-lock.json')
    const text = readFileSync(path, 'utf8')
    const lock = JSON.parse(text)
    lock.packages['node_modules/liquidjs'].license = 'GPL-3.0-only'
    writeFileSync(path, JSON.stringify(lock))
    const { code, stdout } = await check()
    writeFileSync(path, text)
    expect(code).toBe(1)
    expect(stdout).toContain(`licences: liquidjs ${version}: expected`)
  })
})
