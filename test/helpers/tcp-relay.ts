import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Bytes that pass a relay. `connection` counts from 1. `before` counts earlier bytes on it in the same direction. */
export type Piece = { bytes: Buffer; from: 'client' | 'server'; connection: number; before: number }

export type TcpRelay = { port: number; stop: () => Promise<void> }

/** Relays a loopback port to another port. `change` replaces the bytes, or cuts the connection. */
export async function startTcpRelay(target: number, change: (piece: Piece) => Buffer | 'cut'): Promise<TcpRelay> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((client) => {
    const connection = ++connections
    const upstream = connect(target, '127.0.0.1')
    const join = (from: Piece['from'], source: Socket, sink: Socket) => {
      let before = 0
      sockets.add(source)
      source.on('data', (bytes) => {
        const changed = change({ bytes, from, connection, before })
        before += bytes.length
        if (changed === 'cut') source.destroy()
        else if (!sink.write(changed)) source.pause()
      })
      sink.on('drain', () => source.resume())
      source.on('error', () => source.destroy())
      source.on('close', () => {
        sockets.delete(source)
        sink.destroy()
      })
    }
    join('client', client, upstream)
    join('server', upstream, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
