// Carries the packets of a transfer over a socket of Node. Called by server.ts, where the calls of the system are missing.
import type dgram from 'node:dgram'
import { messageOf } from '../../lib/errors.ts'
import { bind } from './bind.ts'
import type { Carrier, Receiver } from './carrier.ts'

/** A socket for a transfer. Packets wait until the socket is open, which takes less than a millisecond. */
export function openNodeCarrier(localAddress: string | undefined, address: string, port: number): Carrier {
  let waiting: Buffer[] | undefined = []
  let socket: dgram.Socket | undefined
  let closed = false
  let receiver: Receiver | undefined
  // Linux reports a refused packet before earlier packets, such as the client's last ACK. Two turns of the event loop let
  // those packets arrive first.
  const fail = (error: Error) => setImmediate(() => setImmediate(() => receiver?.fail(messageOf(error))))
  connectedSocket(localAddress, address, port)
    .then((opened) => {
      if (closed) {
        opened.close()
        return
      }
      socket = opened
      // ECONNREFUSED: the client closed its port (ICMP), so packets cannot reach it.
      opened.on('error', fail)
      opened.on('message', (bytes) => receiver?.receive(bytes))
      for (const packet of waiting ?? []) opened.send(packet, () => {})
      waiting = undefined
    })
    .catch(fail)
  return {
    send: (packet) => (waiting === undefined ? socket?.send(packet, () => {}) : waiting.push(packet)),
    receiveFor: (given) => {
      receiver = given
    },
    close: () => {
      closed = true
      // The socket closes after its last packet, such as an error for the client.
      setImmediate(() => socket?.close())
      socket?.removeAllListeners('message')
    },
  }
}

/**
 * A socket for a transfer, bound to the address that the client used, and connected: it receives only the client's datagrams.
 * @throws the system's error (ENETUNREACH, EMFILE) if the client is unreachable, or if no socket can be opened
 */
export async function connectedSocket(
  localAddress: string | undefined,
  address: string,
  port: number,
): Promise<dgram.Socket> {
  const socket = await bind(localAddress ?? '0.0.0.0', 0, false)
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.close()
      reject(error)
    }
    socket.once('error', fail)
    // Node reports a failed connect only to this callback. The types of Node omit its parameter.
    const connected: (error?: Error) => void = (error) => {
      socket.off('error', fail)
      if (error === undefined) resolve(socket)
      else fail(error)
    }
    socket.connect(port, address, connected)
  })
}
