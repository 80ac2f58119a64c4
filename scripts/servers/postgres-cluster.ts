import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './free-port.ts'

/** A private PostgreSQL server for a test: a temporary folder and a free port on loopback. */
export type PostgresCluster = {
  /** `postgres://…` without a database name. */
  url: string
  port: number
  /** The process of the server, while it runs; its children are the backends. */
  pid: () => number | undefined
  start: () => Promise<void>
  /** SIGTERM waits for clients, SIGINT is a fast shutdown, SIGQUIT an immediate one. */
  stop: (signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT') => Promise<void>
  remove: () => Promise<void>
}

const startTimeoutMs = 60_000
const home = '/usr/lib/postgresql'

/** Creates a server without starting it; undefined if PostgreSQL is not installed. */
export async function makePostgres(settings: Record<string, string> = {}): Promise<PostgresCluster | undefined> {
  const programs = findPrograms()
  if (programs === undefined) return undefined
  return createCluster(programs, settings, (data) => [
    'initdb',
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
  ])
}

/** Creates a standby of a running server, without starting it. It streams all changes until it is promoted. */
export async function copyPostgres(
  primary: PostgresCluster,
  settings: Record<string, string> = {},
): Promise<PostgresCluster> {
  const programs = findPrograms()
  if (programs === undefined) throw new Error('PostgreSQL is not installed (Debian: apt-get install postgresql)')
  return createCluster(programs, settings, (data) => [
    'pg_basebackup',
    ['-D', data, '-d', `${primary.url}/postgres`, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'],
  ])
}

async function createCluster(
  programs: string,
  settings: Record<string, string>,
  create: (data: string) => [program: string, args: string[]],
): Promise<PostgresCluster> {
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? postgresUser() : undefined
  const folder = mkdtempSync(join(tmpdir(), 'bootwright-postgres-'))
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const common = { ...user, cwd: folder }
  const [program, args] = create(data)
  execFileSync(join(programs, program), args, { ...common, stdio: 'pipe' })
  const port = await freePort()
  // The data of a test need not survive a power failure.
  const all = { listen_addresses: '127.0.0.1', port, unix_socket_directories: folder, fsync: 'off', ...settings }
  const options = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let server: ChildProcess | undefined
  const stopAtOnce = () => {
    server?.kill('SIGQUIT')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', stopAtOnce)

  const stop: PostgresCluster['stop'] = async (signal) => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    server.kill(signal)
    await exited
    server = undefined
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}`,
    port,
    pid: () => server?.pid,
    start: async () => {
      server = spawn(join(programs, 'postgres'), ['-D', data, ...options], {
        ...common,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      await ready(server)
    },
    stop,
    remove: async () => {
      await stop('SIGINT')
      process.off('exit', stopAtOnce)
      rmSync(folder, { recursive: true, force: true })
    },
  }
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
  const output: string[] = []
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream })
  await new Promise<void>((resolve, reject) => {
    const fail = () => reject(new Error(`PostgreSQL did not start:\n${output.join('\n')}`))
    const timer = setTimeout(fail, startTimeoutMs)
    child.once('error', reject)
    child.once('exit', fail)
    lines.on('line', (line) => {
      if (output.length < 50) output.push(line)
      if (!/ready to accept (read-only )?connections/.test(line)) return
      clearTimeout(timer)
      child.off('exit', fail)
      resolve()
    })
  })
}
