import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { programDir } from '../../src/lib/program-dir.ts'

/** The real program, as a process of its own that can be killed. */
export type ServerProcess = {
  /** Asks its admin API by the socket in the data folder (path after /api/v1). Rejects when it does not answer. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers as they are
  ask: (method: string, path: string, body?: unknown) => Promise<{ status: number; body: any }>
  /** SIGKILL: it is not asked. */
  kill: () => Promise<void>
  pid: number
  socketPath: string
  /** Where its boot listener is: `http://127.0.0.1:port`. */
  bootUrl: string
  /** What it said so far, on both of its outputs. */
  output: () => string
  /** SIGTERM; gives the exit code once it has ended. */
  stop: () => Promise<number | null>
}

const startTimeoutMs = 180_000

/** Starts the compiled program (setup compiles it) on a data folder, on free ports, and waits until it answers. */
export async function startServerProcess(dataDir: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  const said: string[] = []
  const child = spawn(process.execPath, ['dist/main.js', 'serve'], {
    cwd: programDir,
    env: {
      PATH: process.env.PATH ?? '',
      BOOTWRIGHT_DATA_DIR: dataDir,
      BOOTWRIGHT_TFTP_LISTEN: 'off',
      BOOTWRIGHT_BOOT_LISTEN: '127.0.0.1:0',
      BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const output of [child.stdout, child.stderr]) output.on('data', (text) => said.push(String(text)))
  const socketPath = join(dataDir, 'admin.sock')
  const ask: ServerProcess['ask'] = (method, path, body) => askSocket(socketPath, method, path, body)
  const until = Date.now() + startTimeoutMs
  for (;;) {
    const answer = await ask('GET', '/policy').catch(() => undefined)
    const bootUrl = /boot HTTP\s+(http:\/\/[\d.:]+)/.exec(said.join(''))?.[1]
    if (answer?.status === 200 && bootUrl !== undefined)
      return {
        ...{ ask, bootUrl, socketPath, pid: child.pid as number, output: () => said.join('') },
        kill: () => killed(child),
        stop: () => stopped(child),
      }
    if (child.exitCode !== null || Date.now() > until) {
      await killed(child)
      throw new Error(`the server did not start:\n${said.join('')}`)
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
