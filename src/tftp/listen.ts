// UDP sockets of the TFTP server. Called by server.ts.
import dgram from 'node:dgram'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'

/** A datagram to the TFTP port. `localAddress` is the address it was sent to, where that is known. */
export type Datagram = {
  bytes: Buffer
  address: string
  port: number
  localAddress: string | undefined
  answer: (packet: Buffer) => void
}

export type Listeners = { port: number; addresses: () => string[]; close: () => void }

const rescanMs = 3000

/**
 * Listens on a UDP port. Node does not report to which address a datagram was sent, and an answer must come from
 * there. So for `0.0.0.0` every address of the machine has its own socket, as addresses come and go (Linux prefers the
 * most specific one). One more socket catches the rest.
 * @throws the system's error (EADDRINUSE, EACCES) when the port cannot be had
 */
export async function listenEverywhere(
  host: string,
  port: number,
  handle: (datagram: Datagram) => void,
  log: Logger,
): Promise<Listeners> {
  const sockets = new Map<string, dgram.Socket>()
  let closed = false
  const listen = async (address: string, boundPort: number, shared: boolean): Promise<dgram.Socket> => {
    const socket = await bind(address, boundPort, shared)
    if (closed) {
      socket.close()
      return socket
    }
    socket.on('error', (error) => log.warn({ address, error: messageOf(error) }, 'TFTP socket'))
    socket.on('message', (bytes, { address: from, port: fromPort }) => {
      // Nothing can be sent to port 0; Node throws on the try.
      if (fromPort === 0) return
      const answer = (packet: Buffer) => sendIfOpen(socket, packet, fromPort, from)
      handle({
        bytes,
        address: from,
        port: fromPort,
        localAddress: address === '0.0.0.0' ? undefined : address,
        answer,
      })
    })
    sockets.set(address, socket)
    return socket
  }

  if (host !== '0.0.0.0') {
    const socket = await listen(host, port, false)
    return {
      port: socket.address().port,
      addresses: () => [`${host}:${socket.address().port}`],
      close: () => {
        if (!closed) socket.close()
        closed = true
      },
    }
  }

  // First alone: sockets that share an address would hide that another program has the port.
  const probe = await bind('0.0.0.0', port, false)
  const bound = probe.address().port
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  await listen('0.0.0.0', bound, true)
  const rescan = async () => {
    const present = localAddresses()
    for (const [address, socket] of sockets) {
      if (address !== '0.0.0.0' && !present.includes(address)) {
        sockets.delete(address)
        socket.close()
      }
    }
    for (const address of present) {
      if (!closed && !sockets.has(address))
        await listen(address, bound, true).catch((error) =>
          log.debug({ address, error: messageOf(error) }, 'TFTP cannot listen there'),
        )
    }
  }
  // The system cannot list its addresses while it has no file descriptor left (EMFILE, ENFILE).
  const tryRescan = () =>
    rescan().catch((error) =>
      log.warn(
        { error: messageOf(error) },
        `listing local addresses for TFTP failed, retrying in ${rescanMs / 1000} s`,
      ),
    )
  await tryRescan()
  const timer = setInterval(tryRescan, rescanMs).unref()
  return {
    port: bound,
    addresses: () =>
      [...sockets.keys()]
        .filter((address) => address !== '0.0.0.0' && !address.startsWith('127.'))
        .map((address) => `${address}:${bound}`),
    close: () => {
      closed = true
      clearInterval(timer)
      for (const socket of sockets.values()) socket.close()
      sockets.clear()
    },
  }
}

/** Sends unless the socket is closed, as it is when its address left the machine: Node throws then, also into a timer. */
function sendIfOpen(socket: dgram.Socket, packet: Buffer, port: number, address: string): void {
  try {
    socket.send(packet, port, address, () => {})
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') throw error
  }
}

/**
 * A socket for one transfer: bound to the requested address, and connected, so that it receives only from this client.
 * @throws the system's error (ENETUNREACH, EMFILE) when the client cannot be reached from there, or no socket can be had
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
    // Node tells a failed connect to this callback alone; its types do not know.
    const connected: (error?: Error) => void = (error) => {
      socket.off('error', fail)
      if (error === undefined) resolve(socket)
      else fail(error)
    }
    socket.connect(port, address, connected)
  })
}

/**
 * The largest TFTP block that one packet of an address's interface carries: its MTU less 32 for IP, UDP and TFTP
 * headers.
 */
export function blockSizeOf(localAddress: string | undefined): number {
  try {
    const name = Object.entries(networkInterfaces()).find(([, list]) =>
      list?.some((one) => one.address === localAddress),
    )?.[0]
    if (name === undefined) return 65464
    return Math.max(512, Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8')) - 32)
  } catch {
    return 65464
  }
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).filter((one) => one.family === 'IPv4').map((one) => one.address),
  )
}

function bind(address: string, port: number, shared: boolean): Promise<dgram.Socket> {
  const socket = dgram.createSocket({ type: 'udp4', reuseAddr: shared })
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind(port, address, () => {
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}
