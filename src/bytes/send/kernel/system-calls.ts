// sendfile(2) and preadv2(2), called from Node. The only file of bytes/ with foreign-function calls. Called by zero-copy.ts.
import { openSync } from 'node:fs'
import koffi from 'koffi'

/** The system calls of zero copy. Their memory is never freed or moved. */
export type SystemCalls = {
  /** Sends bytes of a file to a socket and returns their number; negative if that failed, for example because the socket is full. */
  sendfile: (socket: number, file: number, position: number, sizeBytes: number) => number
  /** Whether the byte at a position is in the page cache. Does not wait for the disk. */
  isByteCached: (file: number, position: number) => boolean
  /** Reads a range into the page cache, in a thread. Calls `loaded` at the end, also if the reading failed. The file must stay open until then. */
  load: (file: number, position: number, sizeBytes: number, loaded: () => void) => void
  /** Whether `load` may be called now. */
  mayLoad: () => boolean
}

/** Maximum concurrent loads: one of Node's four file threads stays free for other work. */
const maxLoads = 3
/** preadv2(2): do not wait for data that is not available immediately. */
const nowait = 8
/** A page, so that no other value is near to what the kernel writes. */
const memoryBytes = 4096

let opened: { calls: SystemCalls | undefined } | undefined
/** Holds memory that the kernel writes to for as long as the process lives. */
const memory: Buffer[] = []

/**
 * The system calls of this process; undefined if the system lacks them. Only Linux has this sendfile(2), and on these architectures
 * off_t has 64 bits.
 */
export function openSystemCalls(): SystemCalls | undefined {
  opened ??= { calls: isSupported() ? tryOpen() : undefined }
  return opened.calls
}

function isSupported(): boolean {
  return process.platform === 'linux' && ['x64', 'arm64', 'riscv64', 'loong64', 'ppc64'].includes(process.arch)
}

function tryOpen(): SystemCalls | undefined {
  try {
    return open()
  } catch {
    return undefined
  }
}

function open(): SystemCalls {
  const libc = koffi.load(null)
  const sendfile = libc.func('int64_t sendfile(int out_fd, int in_fd, void *offset, size_t count)')
  const preadv2 = libc.func('int64_t preadv2(int fd, void *iov, int iovcnt, int64_t offset, int flags)')
  // One struct iovec (readv(2)), followed by the byte that it points to.
  const iovec = allocate()
  iovec.writeBigUInt64LE(koffi.address(iovec) + 16n, 0)
  iovec.writeBigUInt64LE(1n, 8)
  const offset = allocate()
  // The kernel writes to an offset when its call ends, so each load has its own.
  const loadOffsets = Array.from({ length: maxLoads }, allocate)
  // Bytes sent to /dev/null are read from the disk and not copied.
  const nowhere = openSync('/dev/null', 'w')
  return {
    sendfile: (socket, file, position, sizeBytes) => {
      offset.writeBigInt64LE(BigInt(position))
      return Number(sendfile(socket, file, offset, sizeBytes))
    },
    isByteCached: (file, position) => Number(preadv2(file, iovec, 1, position, nowait)) === 1,
    mayLoad: () => loadOffsets.length > 0,
    load: (file, position, sizeBytes, loaded) => {
      const from = loadOffsets.pop()
      if (from === undefined) throw new Error(`expected at most ${maxLoads} loads at once`)
      from.writeBigInt64LE(BigInt(position))
      sendfile.async(nowhere, file, from, sizeBytes, () => {
        loadOffsets.push(from)
        loaded()
      })
    },
  }
}

function allocate(): Buffer {
  const buffer = Buffer.allocUnsafeSlow(memoryBytes)
  memory.push(buffer)
  return buffer
}
