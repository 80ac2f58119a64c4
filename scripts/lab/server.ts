import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { dataFolder } from '../../src/config/data-folder.ts'
import { programDir } from '../../src/lib/program-dir.ts'
import type { Net } from './net.ts'
import { type Running, startIn } from './process.ts'

export type LabServer = {
  process: Running
  /** Calls the admin API (path after /api/v1); returns the JSON or the text of the answer. @throws Error for a status that is not 2xx. */
  api(method: string, path: string, body?: unknown): Promise<unknown>
  stop(): Promise<void>
}

/** Starts the real program in the boot server's namespace, as `npm start` would, and waits until it answers. */
export async function startServer(net: Net, dataDir: string, env: Record<string, string>): Promise<LabServer> {
  const running = startIn(net.server, process.execPath, [join(programDir, 'dist/main.js'), 'serve'], {
    BOOTWRIGHT_DATA_DIR: dataDir,
    ...env,
  })
  // A socket in the file system can be reached across network namespaces.
  const socketPath = dataFolder(dataDir).adminSocket
  const api = (method: string, path: string, body?: unknown) => ask(socketPath, method, `/api/v1${path}`, body)
  try {
    await answering(running, api)
  } catch (error) {
    await running.stop()
    throw error
  }
  return { process: running, api, stop: running.stop }
}

async function answering(running: Running, api: LabServer['api']): Promise<void> {
  let ended = false
  running.ended.then(() => {
    ended = true
  })
  const until = Date.now() + 60_000
  for (;;) {
    try {
      await api('GET', '/policy')
      return
    } catch (error) {
      if (ended || Date.now() > until) throw new Error(`the server does not answer: ${error}\n${running.lastLines(40)}`)
    }
    await sleep(100)
  }
}

function ask(socketPath: string, method: string, path: string, body: unknown): Promise<unknown> {
  const bytes = body === undefined || body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body))
  const type = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json'
  return new Promise((resolve, reject) => {
    const headers = bytes ? { 'Content-Type': type, 'Content-Length': bytes.length } : {}
    const asked = request({ socketPath, method, path, headers, timeout: 30_000 }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const status = response.statusCode ?? 0
        if (status < 200 || status > 299) reject(new Error(`${method} ${path}: ${status} ${text}`))
        else resolve(isJson(response) ? JSON.parse(text) : text || undefined)
      })
    })
    asked.on('timeout', () => asked.destroy(new Error(`${method} ${path}: no answer within 30 s`)))
    asked.on('error', reject)
    asked.end(bytes)
  })
}

function isJson({ headers }: IncomingMessage): boolean {
  return /json/.test(headers['content-type'] ?? '')
}
