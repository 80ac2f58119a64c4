import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { programDir, readVersion } from '../../src/lib/program-dir.ts'
import { putTestDatabase } from '../helpers/database.ts'
import { startServerProcess } from '../helpers/server-process.ts'

const { version } = JSON.parse(readFileSync(join(programDir, 'package.json'), 'utf8'))

test('the sources and the compiled program have the version of package.json', () => {
  expect(version).toMatch(/^\d+\.\d+\.\d+/)
  expect(readVersion()).toBe(version)
  const program = join(programDir, 'dist/main.js')
  expect(execFileSync(process.execPath, [program, '--version'], { cwd: tmpdir(), encoding: 'utf8' })).toBe(
    `${version}\n`,
  )
})

test('a server names its version in its banner, its log and its health report', { timeout: 200_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-version-'))
  putTestDatabase(folder)
  const server = await startServerProcess(folder)
  const started = await vi.waitUntil(() => /^.*"server started".*$/m.exec(server.output())?.[0], { timeout: 30_000 })
  expect(server.output()).toContain(`Bootwright ${version} is running.\n`)
  expect(JSON.parse(started)).toMatchObject({ version, node: process.version })
  expect(await (await fetch(`${server.bootUrl}/healthz`)).json()).toMatchObject({ version })
  expect(await server.stop()).toBe(0)
  await rm(folder, { recursive: true })
})
