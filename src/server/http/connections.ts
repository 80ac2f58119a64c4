import type http from 'node:http'
import type { Socket } from 'node:net'
import { sharerOf } from '../../lib/subnet.ts'

/**
 * How many connections a server holds at once. A client that comes above that takes the place of an idle connection, or
 * is disconnected.
 */
export type ConnectionLimits = {
  maxConnections: number
  /** Of one address (subnet.ts, `sharerOf`). */
  maxPerAddress: number
  /** True for an address that many machines stand behind, such as a proxy: only the limit of all counts there. */
  isShared?: (address: string) => boolean
  /** Hears of an address whose connection was closed or refused for the limits. */
  crowded?: (address: string) => void
}

type Turn = [request: http.IncomingMessage, response: http.ServerResponse]
type Connection = { socket: Socket; sharer: string; busy: boolean; waiting: Turn[] }

/** A read of Node's has 64 KiB: more than a thousand short requests. A piece of it has a few at most. */
const minPieceBytes = 128

/**
 * Has `listener` answer the requests of a server, bounded for each client: one request at a time on a connection, in
 * their order, and no reading while others wait there. The limits bound the number of connections. Node itself starts
 * every
 * pipelined request at once, and its `maxRequestsPerSocket` counts only those that are answered.
 */
export function serveBounded(server: http.Server, listener: http.RequestListener, limits: ConnectionLimits): void {
  const connections = new Map<Socket, Connection>()
  /** The connections of each address, those longest idle first. */
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
    // A server that stops begins nothing more.
    if (!server.listening) return void socket.destroySoon()
    if (waiting.length === 0) socket.resume()
    if (turn !== undefined) {
      // Other connections have their turn in between.
      turn[1].once('close', () => setImmediate(takeTurn, connection))
      return listener(...turn)
    }
    const ofSharer = bySharer.get(sharer)
    if (ofSharer?.delete(connection)) ofSharer.add(connection)
  }

  // Node takes a connection on which nothing was asked yet for a busy one, and would wait for it.
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
    // With a listener of ours Node reads through the stream; otherwise its parser takes all bytes from the system itself.
    // It resumes the connection after each request that it has read, and after each answer.
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
 * Gives Node's parser pieces that end with a header, so that a pause holds back what follows. The parser cannot be
 * stopped within a piece (Node's lib/_http_server.js).
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
