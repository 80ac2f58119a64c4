// The listening sockets of the TFTP server. Called by server.ts.
import type dgram from 'node:dgram'
import { readFileSync } from 'node:fs'
import { messageOf } from '../../lib/errors.ts'
import { listAddresses } from '../../lib/net/own-addresses.ts'
import type { TftpLog } from '../log.ts'
import { bind } from './bind.ts'

/** A datagram to the TFTP port. `localAddress` is its destination, undefined if unknown. */
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
 * Listens on a UDP port. An answer must come from the address that the client used, but Node does not report a datagram's
 * destination. So for `0.0.0.0` every local address gets its own socket, which Linux prefers. Another socket receives
 * datagrams to new addresses until the next rescan.
 * @throws the system's error (EADDRINUSE, EACCES) if the port cannot be bound
 */
export async function listenEverywhere(
  host: string,
  port: number,
  handle: (datagram: Datagram) => void,
  log: TftpLog,
): Promise<Listeners> {
  const sockets = new Map<string, dgram.Socket>()
  let closed = false
  const listen = async (address: string, boundPort: number, shared: boolean): Promise<dgram.Socket> => {
    const socket = await bind(address, boundPort, shared)
    if (closed) {
      socket.close()
      return socket
    }
    // The address may be a host name, such as localhost.
    const own = socket.address().address
    socket.on('error', (error) => log.warn({ address, error: messageOf(error) }, 'TFTP socket failed'))
    socket.on('message', (bytes, { address: from, port: fromPort }) => {
      // Datagrams cannot be sent to port 0: Node throws.
      if (fromPort === 0) return
      const answer = (packet: Buffer) => sendIfOpen(socket, packet, fromPort, from)
      handle({
        bytes,
        address: from,
        port: fromPort,
        localAddress: own === '0.0.0.0' ? undefined : own,
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

  // The first bind is exclusive: shared sockets would hide that another program uses the port.
  const probe = await bind('0.0.0.0', port, false)
  const bound = probe.address().port
  await new Promise<void>((resolve) => probe.close(() => resolve()))
  await listen('0.0.0.0', bound, true)
  const rescan = async () => {
    const present = listAddresses().map(({ address }) => address)
    for (const [address, socket] of sockets) {
      if (address !== '0.0.0.0' && !present.includes(address)) {
        sockets.delete(address)
        socket.close()
      }
    }
    for (const address of present) {
      if (!closed && !sockets.has(address))
        await listen(address, bound, true).catch((error) =>
          log.debug({ address, error: messageOf(error) }, 'TFTP cannot listen on this address'),
        )
    }
  }
  // Without free file descriptors (EMFILE, ENFILE) the system cannot list its addresses.
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

/** Sends unless the socket is closed, for example because its address was removed. Node would throw, even into a timer. */
function sendIfOpen(socket: dgram.Socket, packet: Buffer, port: number, address: string): void {
  try {
    socket.send(packet, port, address, () => {})
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') throw error
  }
}

/** The largest TFTP block for a packet of the address's interface: its MTU less 32 bytes for IP, UDP and TFTP headers. */
export function blockSizeOf(localAddress: string | undefined): number {
  try {
    const own = listAddresses().find(({ address }) => address === localAddress)
    if (own === undefined) return 65464
    return Math.max(512, Number(readFileSync(`/sys/class/net/${own.device}/mtu`, 'utf8')) - 32)
  } catch {
    return 65464
  }
}
