// sendfile(2) and preadv2(2), called from Node. This is the only file with foreign-function calls.
import { openSync, readSync } from 'node:fs'
import koffi from 'koffi'

/** Sends bytes from a file to a socket inside the kernel, as nginx does. Node has no call for it. */
export type ZeroCopy = {
  /** Whether the first and the last byte of a range are in the page cache, so that sending it does not wait for the disk. */
  isCached: (file: number, position: number, sizeBytes: number) => boolean
  /** Reads a range into the page cache in the background. The file must stay open until then. */
  load: (file: number, position: number, sizeBytes: number) => Promise<void>
  /** Does the same as read-ahead, only while the disk is mostly idle. The file may be closed before it is done. */
  loadAhead: (file: number, position: number, sizeBytes: number) => void
  /**
   * Sends at most `sizeBytes` bytes and returns the number that the socket took: 0 if its buffer is full, or if sending
   * failed. The next ordinary write then reports the error.
   */
  send: (socket: number, file: number, position: number, sizeBytes: number) => number
  /** Reads bytes that are in the page cache, without waiting. */
  read: (file: number, buffer: Buffer, position: number) => number
}

/** preadv2(2): do not wait for data that is not available immediately. */
const nowait = 8

/** Maximum concurrent loads: one of Node's four file threads stays free for other work. */
const maxLoads = 3

/** Undefined if the system lacks these calls. Only Linux has this sendfile(2); on these architectures off_t has 64 bits. */
export function openZeroCopy(): ZeroCopy | undefined {
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64', 'loong64', 'ppc64'].includes(process.arch))
    return undefined
  try {
    const libc = koffi.load(null)
    const sendfile = libc.func('int64_t sendfile(int out_fd, int in_fd, void *offset, size_t count)')
    const preadv2 = libc.func('int64_t preadv2(int fd, void *iov, int iovcnt, int64_t offset, int flags)')
    // One struct iovec (readv(2)), followed by the byte that it points to: memory that the garbage collector neither moves nor frees.
    const iovec = Buffer.allocUnsafeSlow(4096)
    iovec.writeBigUInt64LE(koffi.address(iovec) + 16n, 0)
    iovec.writeBigUInt64LE(1n, 8)
    const offset = Buffer.allocUnsafeSlow(4096)
    // Bytes sent to /dev/null are read from the disk and not copied.
    const nowhere = openSync('/dev/null', 'w')
    const isByteCached = (file: number, position: number) => Number(preadv2(file, iovec, 1, position, nowait)) === 1
    const isCached = (file: number, position: number, sizeBytes: number) =>
      isByteCached(file, position) && isByteCached(file, position + sizeBytes - 1)
    const waiting: (() => void)[] = []
    // The kernel writes to an offset when its call ends. So this memory is never freed, and each load has its own.
    const offsets = Array.from({ length: maxLoads }, () => Buffer.allocUnsafeSlow(4096))
    const load = (file: number, position: number, sizeBytes: number, loaded: () => void) => {
      const from = offsets.pop() ?? Buffer.allocUnsafeSlow(4096)
      from.writeBigInt64LE(BigInt(position))
      // A load that fails here fails again when the bytes are sent, and is handled there.
      sendfile.async(nowhere, file, from, sizeBytes, () => {
        offsets.push(from)
        while (offsets.length > 0 && waiting.length > 0) waiting.shift()?.()
        loaded()
      })
    }
    return {
      isCached,
      load: (file, position, sizeBytes) =>
        new Promise((resolve) => {
          const begin = () => {
            // Another load may have read the range while this one waited.
            if (isCached(file, position, sizeBytes)) resolve()
            else load(file, position, sizeBytes, resolve)
          }
          if (offsets.length > 0) begin()
          else waiting.push(begin)
        }),
      loadAhead: (file, position, sizeBytes) => {
        if (offsets.length > 0) load(file, position, sizeBytes, () => {})
      },
      send: (socket, file, position, sizeBytes) => {
        offset.writeBigInt64LE(BigInt(position))
        return Math.max(0, Number(sendfile(socket, file, offset, sizeBytes)))
      },
      read: (file, buffer, position) => readSync(file, buffer, 0, buffer.length, position),
    }
  } catch {
    return undefined
  }
}
