// One HTTP request to another server. Every failure is a rejection.
import { type ClientRequest, type Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { TLSSocket } from 'node:tls'

export type OutgoingRequest = {
  method?: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
  /** The agent that connects. Undefined: a new connection, closed after the answer. */
  agent?: HttpAgent | HttpsAgent | undefined
  /** Aborts the request, or the body of its answer. */
  signal: AbortSignal
}

const maxConnectMs = 15_000

/**
 * Sends a request and resolves with its answer when the headers have arrived. Every fault is a rejection or an error of the
 * answer's body: no event of the connection is left without a listener. This uses Node's own client. With undici 7, and so with
 * `fetch`, a server that closes while its body is read slowly ends the process (nodejs/undici issue 5360).
 */
export function openAnswer(url: URL, { method = 'GET', headers, body, agent, signal }: OutgoingRequest) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const secure = url.protocol === 'https:'
    const start = secure ? httpsRequest : httpRequest
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    // `false` makes a new agent with default values for this request alone.
    const request = start(url, { method, headers: { ...headers, ...length }, agent: agent ?? false, signal })
    limitConnecting(request, secure ? 'secureConnect' : 'connect')
    // Never removed: the connection may fail again after the answer.
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    // An answer that switches protocols (101) ends the request without an error.
    request.on('close', () => reject(new Error('the connection was closed without an answer')))
    request.on('response', (answer) => {
      answer.on('error', () => {})
      // If a proxy refuses the tunnel, the answer is from the proxy and not from the server.
      if (!secure || answer.socket instanceof TLSSocket) return resolve(answer)
      request.destroy(new Error(`the proxy answered ${answer.statusCode} to CONNECT`))
    })
    request.end(body)
  })
}

function limitConnecting(request: ClientRequest, connected: 'connect' | 'secureConnect'): void {
  const tooLong = () =>
    request.destroy(Object.assign(new Error(`no connection within ${maxConnectMs / 1000} s`), { code: 'ETIMEDOUT' }))
  const timer = setTimeout(tooLong, maxConnectMs)
  const end = () => clearTimeout(timer)
  // The agents for proxies connect first, and then hand over the socket.
  request.once('socket', (socket) => (socket.connecting ? socket.once(connected, end) : end()))
  request.once('close', end)
}
