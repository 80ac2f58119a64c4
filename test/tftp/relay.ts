import dgram from 'node:dgram'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'

/** Shares of datagrams, 0 to 1, in each direction. A `late` datagram arrives after the datagrams that follow it. */
export type Faults = { lost?: number; twice?: number; late?: number }

/**
 * Relays between clients and a TFTP server on loopback, and loses, repeats and delays datagrams, the same in each run by
 * its seed. Each port of the server (the listening one, and one a transfer) has its own port here for each client.
 * Returns the port to ask.
 */
export async function startRelay(serverPort: number, faults: Faults, seed = 1): Promise<number> {
  const random = seededRandom(seed)
  const sockets: dgram.Socket[] = []
  let closed = false
  onTestFinished(() => {
    closed = true
    for (const socket of sockets) socket.close()
  })
  const open = async (receive: (bytes: Buffer, port: number) => void) => {
    const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
    sockets.push(socket)
    socket.on('message', (bytes, from) => receive(bytes, from.port))
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    return socket
  }
  const pass = (socket: dgram.Socket, bytes: Buffer, port: number) => {
    if (random() < (faults.lost ?? 0)) return
    const send = () => {
      if (!closed) socket.send(bytes, port, '127.0.0.1')
    }
    if (random() < (faults.late ?? 0)) setTimeout(send, 3)
    else send()
    if (random() < (faults.twice ?? 0)) send()
  }

  // For each client a socket that is the client to the server; for each of the server's ports one that is the server to
  // the client.
  const clients = new Map<number, Promise<dgram.Socket>>()
  const actAsClient = async (clientPort: number) => {
    const faces = new Map<number, Promise<dgram.Socket>>([[serverPort, Promise.resolve(front)]])
    const socket = await open(async (bytes, port) => {
      const face = faces.get(port) ?? open((reply) => pass(socket, reply, port))
      faces.set(port, face)
      pass(await face, bytes, clientPort)
    })
    return socket
  }
  const front = await open(async (bytes, clientPort) => {
    const socket = clients.get(clientPort) ?? actAsClient(clientPort)
    clients.set(clientPort, socket)
    pass(await socket, bytes, serverPort)
  })
  return front.address().port
}

// Mulberry32: small and repeatable.
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
