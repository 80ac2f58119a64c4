// UDP sockets that are bound to one network interface. Node has no call for it.
import dgram from 'node:dgram'
import { closeSync } from 'node:fs'
import koffi from 'koffi'
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'

type SocketOptions = { device: string; port: number; log: Logger }

/** The calls of the system that Node lacks; the numbers are those of Linux (asm-generic/socket.h). */
type SocketCalls = {
  socket: (domain: number, type: number, protocol: number) => number
  setsockopt: (file: number, level: number, name: number, value: Buffer, size: number) => number
  bind: (file: number, address: Buffer, size: number) => number
  if_nametoindex: (name: string) => number
}

const ipv4 = 2
// SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC
const datagrams = 2 | 0o4000 | 0o2000000
const socketLevel = 1
const socketOptions = { reuseAddress: 2, broadcast: 6, bindToDevice: 25 } as const

/**
 * Opens a UDP socket on all addresses that receives and sends by one interface (SO_BINDTODEVICE, socket(7)). It shares its
 * port with sockets that set SO_REUSEADDR too: Linux gives a broadcast to each of them, but a unicast only to the last.
 * @param port 0: any free port
 * @throws an error whose `code` is the system's. ENODEV: no such interface. EADDRINUSE: another program has the port and does
 * not share it. EACCES: no CAP_NET_BIND_SERVICE. EPERM: Linux before 5.7, without CAP_NET_RAW. ENOSYS: not Linux.
 */
export async function openDeviceSocket({ device, port, log }: SocketOptions): Promise<dgram.Socket> {
  const file = openFile(device, port)
  const socket = dgram.createSocket({ type: 'udp4' })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind({ fd: file }, () => {
        socket.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    closeSync(file)
    throw error
  }
  socket.on('error', (error) => log.warn({ device, port, error: messageOf(error) }, 'DHCP socket failed'))
  return socket
}

/**
 * The number of an interface; undefined if it does not exist. An interface that is removed and added again has a new number, and
 * sockets of the old one receive nothing.
 * @throws an error with the code ENOSYS if this system has no such call
 */
export function findInterfaceIndex(device: string): number | undefined {
  return loadCalls().if_nametoindex(device) || undefined
}

/** Sends a datagram, unless the socket is closed. A failed send is logged at debug level: DHCP clients retry. */
export function sendDatagram(
  socket: dgram.Socket,
  packet: Uint8Array,
  to: { address: string; port: number },
  log: Logger,
): void {
  const failed = (error: unknown) => log.debug({ ...to, error: messageOf(error) }, 'sending a DHCP packet failed')
  try {
    socket.send(packet, to.port, to.address, (error) => {
      if (error !== null) failed(error)
    })
  } catch (error) {
    failed(error)
  }
}

function openFile(device: string, port: number): number {
  const { socket, setsockopt, bind } = loadCalls()
  const file = socket(ipv4, datagrams, 0)
  if (file < 0) throw systemError('socket')
  const enabled = Buffer.alloc(4)
  enabled.writeInt32LE(1)
  // A name of an interface has at most 15 bytes and ends with a zero byte (IFNAMSIZ, net/if.h).
  const name = Buffer.from(`${device}\0`, 'latin1')
  // struct sockaddr_in (ip(7)): the family in the order of the host, the port in the order of the network.
  const address = Buffer.alloc(16)
  address.writeUInt16LE(ipv4, 0)
  address.writeUInt16BE(port, 2)
  const failed =
    (setsockopt(file, socketLevel, socketOptions.reuseAddress, enabled, 4) !== 0 && systemError('setsockopt')) ||
    (setsockopt(file, socketLevel, socketOptions.broadcast, enabled, 4) !== 0 && systemError('setsockopt')) ||
    (setsockopt(file, socketLevel, socketOptions.bindToDevice, name, name.length) !== 0 && systemError('setsockopt')) ||
    (bind(file, address, address.length) !== 0 && systemError('bind'))
  if (failed === false) return file
  closeSync(file)
  throw failed
}

let calls: SocketCalls | undefined

function loadCalls(): SocketCalls {
  calls ??= load()
  return calls
}

function load(): SocketCalls {
  const noCalls = (why: string) => Object.assign(new Error(why), { code: 'ENOSYS' })
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch))
    throw noCalls(`sockets of one interface work only on Linux, not on ${process.platform} ${process.arch}`)
  try {
    const libc = koffi.load(null)
    return {
      socket: libc.func('int socket(int domain, int type, int protocol)'),
      setsockopt: libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t size)'),
      bind: libc.func('int bind(int fd, const void *address, uint32_t size)'),
      if_nametoindex: libc.func('uint32_t if_nametoindex(const char *name)'),
    }
  } catch (error) {
    throw noCalls(`the system's calls cannot be loaded: ${messageOf(error)}`)
  }
}

function systemError(call: string): Error {
  const number = koffi.errno()
  const [code = 'EIO'] = Object.entries(koffi.os.errno).find(([, value]) => value === number) ?? []
  return Object.assign(new Error(`${call} ${code}`), { code, syscall: call })
}
