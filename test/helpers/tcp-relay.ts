import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What comes through a relay: `connection` counts from 1, `before` the bytes that went the same way on it already. */
export type Piece = { bytes: Buffer; from: 'client' | 'server'; connection: number; before: number }

export type TcpRelay = { port: number; stop: () => Promise<void> }

/** A port on loopback that hands on to another what `change` makes of it, or cuts the connection there. */
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
