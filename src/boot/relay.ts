import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { Server } from 'node:net'
import { pipeline } from 'node:stream'
import { openStoredFile } from '../store/folder-store.ts'
import { createPace } from './admission.ts'
import { answerFor } from './file-answer.ts'
import { type FileOrder, type OrderDone, orderHeader } from './file-orders.ts'
import type { WorkerSettings } from './file-workers.ts'
import { boundServer, plainAddress } from './listener.ts'
import { createWays, transmit } from './send-file.ts'

/** Downloads under way get so long to end when the server stops. */
const lastMs = 5000

/** A worker's side: passes every request on to the server that has the inventory, and sends the files that it is told to. */
export function startRelay(
  settings: WorkerSettings,
  listening: Server,
  done: (result: OrderDone) => void,
): { stop: () => void } {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
  const ways = createWays(settings)
  const pace = createPace(settings.bytesPerSecond)

  const obey = async (order: FileOrder, request: IncomingMessage, response: ServerResponse) => {
    const file = await openStoredFile(settings.folder, order.sha256)
    if (file === undefined) {
      done({ id: order.id, bytes: 0, complete: false, durationMs: 0 })
      return refuse(response)
    }
    try {
      const answer = answerFor(request.method, request.headers, file.sizeBytes, order.headers)
      done({ id: order.id, ...(await transmit(response, answer, { file, key: order.sha256, ways, pace })) })
    } finally {
      await file.close()
    }
  }

  const server = boundServer((request, response) => {
    const upstream = http.request({
      socketPath: settings.relaySocket,
      agent,
      method: request.method,
      path: request.url,
      headers: {
        ...ownHeaders(request),
        'x-bootwright-address': plainAddress(request.socket.remoteAddress),
        'x-bootwright-worker': String(settings.worker),
      },
    })
    upstream.on('response', (answer) => {
      const order = answer.headers[orderHeader]
      if (order !== undefined) {
        answer.resume()
        obey(JSON.parse(String(order)) as FileOrder, request, response).catch(() => response.destroy())
        return
      }
      response.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer.rawHeaders))
      pipeline(answer, response, () => {})
    })
    upstream.on('error', () => refuse(response))
    response.on('close', () => {
      if (!response.writableFinished) upstream.destroy()
    })
    pipeline(request, upstream, () => {})
  })
  server.listen(listening)

  return {
    stop: () => {
      server.close(() => process.exit())
      server.closeIdleConnections()
      setTimeout(() => process.exit(), lastMs).unref()
    },
  }
}

// iPXE obeys Retry-After by itself (its httpcore.c).
function refuse(response: ServerResponse): void {
  if (response.headersSent) response.destroy()
  else response.writeHead(503, { 'Retry-After': '5', 'Content-Length': '0' }).end()
}

/** Of one connection only (RFC 9110, 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function ownHeaders({ headers }: IncomingMessage): http.OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !hopByHop.has(name) && !name.startsWith('x-bootwright-')),
  )
}

// As they were written, in their case: GRUB compares it (listener.ts).
function withoutHopByHop(raw: string[]): string[] {
  return raw.filter((_, index) => !hopByHop.has((raw[index - (index % 2)] ?? '').toLowerCase()))
}
