// sendfile(2) and preadv2(2), called from Node. All foreign-function calls of the way of a file are in this file.
import { openSync, readSync } from 'node:fs'
import koffi from 'koffi'

/** Bytes from a file straight to a socket inside the kernel, as nginx sends them: Node has no call for it. */
export type ZeroCopy = {
  /** True when the first and the last byte of the range are in the page cache, so that sending it waits for no disk. */
  isCached: (file: number, position: number, sizeBytes: number) => boolean
  /** Reads a range into the page cache, in the background; the file stays open meanwhile. */
  load: (file: number, position: number, sizeBytes: number) => Promise<void>
  /** The same when nobody waits for it, and only while the disk has little else to do. The file may be closed meanwhile. */
  loadAhead: (file: number, position: number, sizeBytes: number) => void
  /**
   * Sends at most so many bytes; gives how many the socket took now: 0 when its buffer is full, or when sending fails in
   * another way, which the next ordinary write will tell.
   */
  send: (socket: number, file: number, position: number, sizeBytes: number) => number
  /** Reads what is in the page cache, at once. */
  read: (file: number, buffer: Buffer, position: number) => number
}

/** preadv2(2): do not wait for data that is not there at once. */
const nowait = 8

/** Loads at once: one of the four threads that Node has for files is left for all else. */
const maxLoads = 3

/** Undefined where the system has no such calls. sendfile(2) with a socket is Linux's; off_t has 64 bits on these. */
export function openZeroCopy(): ZeroCopy | undefined {
  if (process.platform !== 'linux' || !['x64', 'arm64', 'riscv64', 'loong64', 'ppc64'].includes(process.arch))
    return undefined
  try {
    const libc = koffi.load(null)
    const sendfile = libc.func('int64_t sendfile(int out_fd, int in_fd, void *offset, size_t count)')
    const preadv2 = libc.func('int64_t preadv2(int fd, void *iov, int iovcnt, int64_t offset, int flags)')
    // One struct iovec (readv(2)), and behind it the one byte that it names: memory that no collector moves or frees.
    const iovec = Buffer.allocUnsafeSlow(4096)
    iovec.writeBigUInt64LE(koffi.address(iovec) + 16n, 0)
    iovec.writeBigUInt64LE(1n, 8)
    const offset = Buffer.allocUnsafeSlow(4096)
    // What is sent there is read from the disk and copied nowhere.
    const nowhere = openSync('/dev/null', 'w')
    const isByteCached = (file: number, position: number) => Number(preadv2(file, iovec, 1, position, nowait)) === 1
    const isCached = (file: number, position: number, sizeBytes: number) =>
      isByteCached(file, position) && isByteCached(file, position + sizeBytes - 1)
    const waiting: (() => void)[] = []
    // The kernel writes to an offset when its call ends: memory that is ours as long as we live, one for each load.
    const offsets = Array.from({ length: maxLoads }, () => Buffer.allocUnsafeSlow(4096))
    const load = (file: number, position: number, sizeBytes: number, loaded: () => void) => {
      const from = offsets.pop() ?? Buffer.allocUnsafeSlow(4096)
      from.writeBigInt64LE(BigInt(position))
      // What fails here fails again when it is sent, where it is looked at.
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
            // Whoever waited for a turn may find that others have loaded it.
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
