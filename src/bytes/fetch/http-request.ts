// One HTTP request to another server, whose every failure is a rejection.
import { type ClientRequest, type Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { TLSSocket } from 'node:tls'

export type OutgoingRequest = {
  method?: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
  /** What connects; undefined: a new connection, closed after the answer. */
  agent?: HttpAgent | HttpsAgent | undefined
  /** Ends the request, and the body of its answer, whenever it is aborted. */
  signal: AbortSignal
}

const maxConnectMs = 15_000

/**
 * Sends a request and resolves with its answer when the headers are here. Whatever the other side or the line does comes as a
 * rejection or as the error of the answer's body: no event of the connection is left without a listener. Node's own client, because
 * a body that is read slowly while its server closes ends the process with undici 7 (nodejs/undici issue 5360), also inside `fetch`.
 */
export function openAnswer(url: URL, { method = 'GET', headers, body, agent, signal }: OutgoingRequest) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const secure = url.protocol === 'https:'
    const start = secure ? httpsRequest : httpRequest
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    // False: a new agent with its defaults, for this request alone.
    const request = start(url, { method, headers: { ...headers, ...length }, agent: agent ?? false, signal })
    limitConnecting(request, secure ? 'secureConnect' : 'connect')
    // Never removed: the connection may fail again after the answer.
    request.on('error', (error) => reject(signal.aborted ? signal.reason : error))
    // An answer that switches protocols (101) ends the request without an error.
    request.on('close', () => reject(new Error('the connection was closed without an answer')))
    request.on('response', (answer) => {
      answer.on('error', () => {})
      // A proxy that refuses the tunnel answers instead of the server: that is no answer of the server's.
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
  // Agents that connect by themselves (proxies) give the socket when it is ready.
  request.once('socket', (socket) => (socket.connecting ? socket.once(connected, end) : end()))
  request.once('close', end)
}
