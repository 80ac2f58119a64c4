import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { programDir } from '../../src/lib/program-dir.ts'

/** The compiled program in a process of its own. */
export type ServerProcess = {
  /** Sends a request to the admin API over the socket in the data folder (path after /api/v1). Rejects without a response. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read any field of a response
  ask: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: any }>
  /** Ends the process with SIGKILL. */
  kill: () => Promise<void>
  pid: number
  socketPath: string
  /** The URL of the boot listener: `http://127.0.0.1:port`. */
  bootUrl: string
  /** All output so far, of standard output and standard error. */
  output: () => string
  /** Ends the process with SIGTERM, and returns its exit code. */
  stop: () => Promise<number | null>
}

const startTimeoutMs = 180_000
/** In the banner of a server whose database is unreachable. */
const withoutDatabase = /The server started without the database/

/** Starts the compiled program (setup compiles it) on a data folder and free ports, and waits until it answers. */
export async function startServerProcess(dataDir: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  const chunks: string[] = []
  const child = spawn(process.execPath, ['dist/main.js', 'serve'], {
    cwd: programDir,
    env: {
      PATH: process.env.PATH ?? '',
      BOOTWRIGHT_DATA_DIR: dataDir,
      BOOTWRIGHT_TFTP_LISTEN: 'off',
      BOOTWRIGHT_BOOT_LISTEN: '127.0.0.1:0',
      BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
      // A busy computer must not let a server decide without its database.
      BOOTWRIGHT_DATABASE_WAIT_MS: '5000',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const output of [child.stdout, child.stderr]) output.on('data', (text) => chunks.push(String(text)))
  const socketPath = join(dataDir, 'admin.sock')
  const ask: ServerProcess['ask'] = (method, path, body) => askSocket(socketPath, method, path, body)
  const until = Date.now() + startTimeoutMs
  for (;;) {
    const answer = await ask('GET', '/policy').catch(() => undefined)
    const bootUrl = /boot HTTP\s+(http:\/\/[\d.:]+)/.exec(chunks.join(''))?.[1]
    const isReady = answer?.status === 200 || (answer !== undefined && withoutDatabase.test(chunks.join('')))
    if (isReady && bootUrl !== undefined)
      return {
        ...{ ask, bootUrl, socketPath, pid: child.pid as number, output: () => chunks.join('') },
        kill: () => killed(child),
        stop: () => stopped(child),
      }
    if (child.exitCode !== null || Date.now() > until) {
      await killed(child)
      throw new Error(`the server did not start:\n${chunks.join('')}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

async function stopped(child: ChildProcess): Promise<number | null> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
  return child.exitCode
}

function askSocket(socketPath: string, method: string, path: string, body: unknown) {
  const bytes = body === undefined ? undefined : JSON.stringify(body)
  const headers =
    bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }
  return new Promise<{ status: number; body: unknown }>((resolve, reject) => {
    const sent = request({ socketPath, method, path: `/api/v1${path}`, headers, timeout: 60_000, agent: false })
    sent.on('timeout', () => sent.destroy(new Error('no answer')))
    sent.on('error', reject)
    sent.on('response', (response) =>
      json(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject),
    )
    sent.end(bytes)
  })
}
