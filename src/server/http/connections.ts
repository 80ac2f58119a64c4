// Limits of an HTTP server's connections: their number, and one request at a time on each.
import type http from 'node:http'
import type { Socket } from 'node:net'
import { sharerOf } from '../../lib/subnet.ts'

/**
 * The maximum of concurrent connections. A new connection above it replaces an idle connection; if no connection is
 * idle, the new client is disconnected.
 */
export type ConnectionLimits = {
  maxConnections: number
  /** The maximum for one client (subnet.ts, `sharerOf`). */
  maxPerAddress: number
  /** Whether many machines use this address, such as a proxy's. Only `maxConnections` limits it. */
  isShared?: (address: string) => boolean
  /** Called with the client's key when the limits close or refuse a connection. */
  crowded?: (address: string) => void
}

type Turn = [request: http.IncomingMessage, response: http.ServerResponse]
type Connection = { socket: Socket; sharer: string; busy: boolean; waiting: Turn[] }

/**
 * Node reads up to 64 KiB at once, which can contain more than a thousand short requests. A piece contains a few at
 * most.
 */
const minPieceBytes = 128

/**
 * Passes the requests of a server to `listener`, with limits for each client. A connection has one request at a time,
 * in order of arrival. While requests wait, nothing more is read from their connection. The number of connections is
 * limited too. Node alone starts all pipelined requests at once, and its `maxRequestsPerSocket` counts only answered
 * requests.
 */
export function serveBounded(server: http.Server, listener: http.RequestListener, limits: ConnectionLimits): void {
  const connections = new Map<Socket, Connection>()
  /** The connections of each client. The connection with the longest idle time is first. */
  const bySharer = new Map<string, Set<Connection>>()

  const forget = (connection: Connection) => {
    const { socket, sharer } = connection
    const ofSharer = bySharer.get(sharer)
    connections.delete(socket)
    ofSharer?.delete(connection)
    if (ofSharer?.size === 0) bySharer.delete(sharer)
    connection.waiting.length = 0
  }
  const closeIdle = (candidates: Iterable<Connection>): boolean => {
    for (const connection of candidates) {
      if (connection.busy) continue
      forget(connection)
      connection.socket.destroy()
      return true
    }
    return false
  }
  const findRoom = (sharer: string, isShared: boolean): boolean => {
    const own = bySharer.get(sharer) ?? new Set<Connection>()
    const hasShare = own.size < limits.maxPerAddress || isShared
    if (hasShare && connections.size < limits.maxConnections) return true
    limits.crowded?.(sharer)
    if (!hasShare) return closeIdle(own)
    const larger = [...bySharer.values()].filter(({ size }) => size >= own.size).sort((a, b) => b.size - a.size)
    return larger.some(closeIdle)
  }

  const takeTurn = (connection: Connection) => {
    const { socket, waiting, sharer } = connection
    if (socket.destroyed) return
    const turn = waiting.shift()
    connection.busy = turn !== undefined
    // A server that is stopping starts no more requests.
    if (!server.listening) return void socket.destroySoon()
    if (waiting.length === 0) socket.resume()
    if (turn !== undefined) {
      // setImmediate lets other connections have their turn first.
      turn[1].once('close', () => setImmediate(takeTurn, connection))
      return listener(...turn)
    }
    const ofSharer = bySharer.get(sharer)
    if (ofSharer?.delete(connection)) ofSharer.add(connection)
  }

  // Node treats a connection without a first request as busy, and would wait for it.
  const close = server.close.bind(server)
  server.close = (closed) => {
    close(closed)
    for (const connection of connections.values()) if (!connection.busy) connection.socket.destroy()
    return server
  }
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? ''
    const sharer = sharerOf(address)
    if (!findRoom(sharer, limits.isShared?.(address.replace(/^::ffff:/i, '')) === true)) return void socket.destroy()
    const connection: Connection = { socket, sharer, busy: false, waiting: [] }
    connections.set(socket, connection)
    const ofSharer = bySharer.get(sharer) ?? new Set()
    bySharer.set(sharer, ofSharer.add(connection))
    socket.once('close', () => forget(connection))
    const hold = () => {
      if (connection.waiting.length > 0) socket.pause()
    }
    // With a `data` listener, Node reads through the stream. Otherwise, its parser reads directly from the system.
    // Node resumes the connection after each request that it has read, and after each response.
    socket.on('data', hold)
    socket.on('resume', hold)
    readInPieces(socket)
  })
  server.on('request', (request, response) => {
    const connection = connections.get(request.socket)
    if (connection === undefined) return void request.socket.destroy()
    connection.waiting.push([request, response])
    if (!connection.busy) takeTurn(connection)
  })
}

/**
 * Splits each read into pieces that end with a header, so that a pause keeps back the pieces after it. Node's parser
 * cannot be stopped inside a piece (Node's lib/_http_server.js).
 */
function readInPieces(socket: Socket): void {
  const push = socket.push.bind(socket)
  socket.push = (chunk: Buffer | null, encoding) => {
    if (chunk === null) return push(null)
    let takesMore = true
    for (const piece of piecesOf(chunk)) takesMore = !socket.destroyed && push(piece, encoding)
    return takesMore
  }
}

function* piecesOf(chunk: Buffer): Generator<Buffer> {
  let start = 0
  for (;;) {
    const headerEnd = chunk.indexOf('\r\n\r\n', start + minPieceBytes)
    if (headerEnd < 0) break
    yield chunk.subarray(start, headerEnd + 4)
    start = headerEnd + 4
  }
  if (start < chunk.length) yield chunk.subarray(start)
}
