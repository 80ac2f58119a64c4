// The HTTP server of a file worker: a reverse proxy for every request, except that it sends files itself.
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { Server } from 'node:net'
import { pipeline } from 'node:stream'
import { plainAddress } from '../../lib/subnet.ts'
import { createRateLimit } from '../send/admission.ts'
import { onceEnded } from '../send/connection-end.ts'
import { answerFor } from '../send/file-answer.ts'
import { createSendMethods, type Sent, transmit } from '../send/send-file.ts'
import { openStoredFile } from '../store/folder-store.ts'
import { type FileOrder, type OrderDone, type OrdersMoved, orderHeader } from './file-orders.ts'
import type { WorkerSettings } from './file-workers.ts'

/** Time for running downloads to end after the server stops. */
const stopTimeoutMs = 5000
/** Running downloads are shown to people. */
const reportEveryMs = 1000

/**
 * Forwards every request to the main server, and sends the files that it orders.
 * @param createServer creates the HTTP server for clients, with its limits
 */
export function startRelay(
  createServer: (listener: RequestListener) => http.Server,
  settings: WorkerSettings,
  listening: Server,
  report: (report: OrderDone | OrdersMoved) => void,
): { stop: () => void } {
  // No limit on connections to the main server: otherwise slow clients could block all others.
  const agent = new http.Agent({ keepAlive: true })
  const methods = createSendMethods(settings)
  const rateLimit = createRateLimit(settings.bytesPerSecond)
  const unreported = new Map<string, number>()
  let reporting: NodeJS.Timeout | undefined
  const reportMoved = () => {
    reporting = undefined
    const moved = [...unreported].map(([id, bytes]) => ({ id, bytes }))
    unreported.clear()
    if (moved.length > 0) report({ moved })
  }
  const count = (id: string, bytes: number) => {
    unreported.set(id, (unreported.get(id) ?? 0) + bytes)
    if (reporting === undefined) reporting = setTimeout(reportMoved, reportEveryMs).unref()
  }

  const send = async (order: FileOrder, request: IncomingMessage, response: ServerResponse): Promise<Sent> => {
    const file = await openStoredFile(settings.store, order.sha256)
    if (file === undefined) throw new Error('the file was removed')
    try {
      const answer = answerFor(request.method, request.headers, file.sizeBytes, order.headers)
      return await transmit(response, answer, { file, key: order.sha256, methods, rateLimit }, (bytes) =>
        count(order.id, bytes),
      )
    } finally {
      await file.close()
    }
  }
  // Every order is reported when it ends: until then its download occupies a slot.
  const obey = async (order: FileOrder, request: IncomingMessage, response: ServerResponse) => {
    const sent = await send(order, request, response).catch(() => {
      refuse(response)
      return { bytes: 0, complete: false, durationMs: 0 }
    })
    unreported.delete(order.id)
    report({ id: order.id, ...sent })
  }

  const server = createServer((request, response) => {
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
        void obey(JSON.parse(String(order)) as FileOrder, request, response)
        return
      }
      if (request.socket.destroyed) {
        answer.destroy()
        return
      }
      const forget = onceEnded(request.socket, () => answer.destroy())
      response.writeHead(answer.statusCode ?? 502, withoutHopByHop(answer.rawHeaders))
      pipeline(answer, response, forget)
    })
    upstream.on('error', () => refuse(response))
    // If the client has disconnected, still wait for the answer: an order must be reported as ended.
    if (hasBody(request)) pipeline(request, upstream, () => {})
    else {
      request.resume()
      upstream.end()
    }
  })
  server.listen(listening)

  return {
    stop: () => {
      server.close(() => process.exit())
      server.closeIdleConnections()
      setTimeout(() => process.exit(), stopTimeoutMs).unref()
    },
  }
}

// iPXE obeys Retry-After (its net/tcp/httpcore.c).
function refuse(response: ServerResponse): void {
  if (response.headersSent) response.destroy()
  else response.writeHead(503, { 'Retry-After': '5', 'Content-Length': '0' }).end()
}

/**
 * Only reports may have a body. Node's client forwards the chunked body of a GET without a length. An attacker could hide a
 * second request in that body, and the main server would trust its headers (request smuggling).
 */
function hasBody({ method }: IncomingMessage): boolean {
  return method === 'POST'
}

/** Headers of a single connection (RFC 9110, 7.6.1). */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

function ownHeaders(request: IncomingMessage): http.OutgoingHttpHeaders {
  const isForwarded = (name: string) =>
    !hopByHop.has(name) &&
    !name.startsWith('x-bootwright-') &&
    // This server has already sent 100 Continue.
    name !== 'expect' &&
    (name !== 'content-length' || hasBody(request))
  return Object.fromEntries(Object.entries(request.headers).filter(([name]) => isForwarded(name)))
}

// Keeps the case of header names, because GRUB compares it (listener.ts).
function withoutHopByHop(raw: string[]): string[] {
  return raw.filter((_, index) => !hopByHop.has((raw[index - (index % 2)] ?? '').toLowerCase()))
}
