// The calls of Linux for UDP sockets and epoll(7), which cost less than Node's for each packet. Called by system-sockets.ts.
import koffi from 'koffi'

/** The calls by their names in the manual. Each returns -1 if it fails; then `errno` has the reason. */
export type SystemCalls = {
  socket: (domain: number, type: number, protocol: number) => number
  bind: (file: number, address: Buffer, size: number) => number
  connect: (file: number, address: Buffer, size: number) => number
  send: (file: number, bytes: Buffer, size: number, flags: number) => number
  recv: (file: number, bytes: Buffer, size: number, flags: number) => number
  epoll_create1: (flags: number) => number
  epoll_ctl: (epoll: number, operation: number, file: number, event: Buffer) => number
  epoll_wait: (epoll: number, events: Int32Array, maxEvents: number, timeoutMs: number) => number
  close: (file: number) => number
  errno: () => number
  /** The size of `struct epoll_event` in units of 4 bytes, and the position of its data: x86-64 packs it (epoll_event(3type)). */
  epollEvent: { words: number; dataWord: number }
}

/** Undefined if this system lacks the calls, or if koffi does not load. */
export function loadSystemCalls(): SystemCalls | undefined {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) return undefined
  try {
    const libc = koffi.load(null)
    return {
      socket: libc.func('int socket(int domain, int type, int protocol)'),
      bind: libc.func('int bind(int file, const void *address, uint32_t size)'),
      connect: libc.func('int connect(int file, const void *address, uint32_t size)'),
      send: libc.func('int64_t send(int file, const void *bytes, size_t size, int flags)'),
      recv: libc.func('int64_t recv(int file, void *bytes, size_t size, int flags)'),
      epoll_create1: libc.func('int epoll_create1(int flags)'),
      epoll_ctl: libc.func('int epoll_ctl(int epoll, int operation, int file, void *event)'),
      epoll_wait: libc.func('int epoll_wait(int epoll, void *events, int maxEvents, int timeoutMs)'),
      close: libc.func('int close(int file)'),
      errno: () => koffi.errno(),
      epollEvent: process.arch === 'x64' ? { words: 3, dataWord: 1 } : { words: 4, dataWord: 2 },
    }
  } catch {
    return undefined
  }
}

/** The name of an error number: `ECONNREFUSED`. */
export function errorName(number: number): string {
  return Object.entries(koffi.os.errno).find(([, value]) => value === number)?.[0] ?? `error ${number}`
}

/** `struct sockaddr_in` (ip(7)): the family in the order of the host, port and address in the order of the network. */
export function socketAddress(address: string, port: number): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeUInt16LE(ipv4, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(address.split('.').map(Number), 4)
  return bytes
}

/** AF_INET */
export const ipv4 = 2
