import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestProject } from 'vitest/node'
import { freePort } from './free-port.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** `postgres://…` of the server without a database name; undefined where PostgreSQL is not installed. */
    postgresUrl: string | undefined
  }
}

const startTimeoutMs = 30_000
const home = '/usr/lib/postgresql'

let server: ChildProcess | undefined
let folder: string | undefined

/** Starts a PostgreSQL server for the whole run: its own folder, its own port on loopback, nothing kept. */
export async function setup(project: TestProject): Promise<void> {
  const programs = findPrograms()
  if (programs === undefined) {
    const line = 'PostgreSQL is not installed (Debian: apt-get install postgresql)'
    if (process.env.CI || process.env.REQUIRE_ALL_TESTS) throw new Error(line)
    console.warn(`${line}: the database tests run on the embedded database only`)
    project.provide('postgresUrl', undefined)
    return
  }
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? postgresUser() : undefined
  folder = mkdtempSync(join(tmpdir(), 'bootwright-postgres-'))
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const common = { ...user, cwd: folder }
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...common, stdio: 'pipe' },
  )

  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  server = spawn(join(programs, 'postgres'), ['-D', data, ...options], {
    ...common,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  process.once('exit', stopAtOnce)
  await ready(server)
  project.provide('postgresUrl', `postgres://postgres@127.0.0.1:${port}`)
}

/** Stops the server and removes its folder. */
export async function teardown(): Promise<void> {
  if (server !== undefined && server.exitCode === null) {
    // Fast shutdown: it ends the connections that are left.
    server.kill('SIGINT')
    await once(server, 'exit')
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  process.off('exit', stopAtOnce)
}

function stopAtOnce(): void {
  server?.kill('SIGQUIT')
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
}

/** The folder of the newest PostgreSQL's programs, as Debian lays them out. */
function findPrograms(): string | undefined {
  const versions = existsSync(home) ? readdirSync(home).sort((a, b) => Number(b) - Number(a)) : []
  return versions
    .map((version) => join(home, version, 'bin'))
    .find((bin) => existsSync(join(bin, 'initdb')) && existsSync(join(bin, 'postgres')))
}

function postgresUser(): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

async function ready(child: ChildProcess): Promise<void> {
  const said: string[] = []
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream })
  await new Promise<void>((resolve, reject) => {
    const fail = () => reject(new Error(`PostgreSQL did not start:\n${said.join('\n')}`))
    const timer = setTimeout(fail, startTimeoutMs)
    child.once('error', reject)
    child.once('exit', fail)
    lines.on('line', (line) => {
      if (said.length < 50) said.push(line)
      if (!line.includes('ready to accept connections')) return
      clearTimeout(timer)
      child.off('exit', fail)
      resolve()
    })
  })
}
