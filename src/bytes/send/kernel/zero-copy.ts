// Sends bytes from the page cache to sockets inside the kernel. Called by send-bytes.ts.
import { readSync } from 'node:fs'
import type { Socket } from 'node:net'
import { openSystemCalls } from './system-calls.ts'

/** Sends bytes from a file to a socket inside the kernel, as nginx does. Node has no call for it. */
export type ZeroCopy = {
  /**
   * Reads a range into the page cache in the background; undefined if it is there already. The file must stay open until then. A
   * range that cannot be read fails again when it is sent.
   */
  load: (file: number, position: number, sizeBytes: number) => Promise<void> | undefined
  /** Does the same before the range is needed, but only while the disk is mostly idle. */
  loadAhead: (file: number, position: number, sizeBytes: number) => Promise<void> | undefined
  /**
   * Sends at most `sizeBytes` bytes and returns the number that the socket took: 0 if its buffer is full, or if sending
   * failed. The next ordinary write then reports the error. Undefined if Node has bytes to write to this socket, or it is closed.
   */
  send: (socket: Socket, file: number, position: number, sizeBytes: number) => number | undefined
  /** Reads bytes that are in the page cache, without waiting. */
  read: (file: number, buffer: Buffer, position: number) => number
}

/** Undefined if the system lacks these calls. */
export function openZeroCopy(): ZeroCopy | undefined {
  const calls = openSystemCalls()
  if (calls === undefined) return undefined
  const waiting: (() => void)[] = []

  // A range is rarely cached in part: readers load whole pieces, and the kernel reads ahead.
  const isCached = (file: number, position: number, sizeBytes: number) =>
    calls.isByteCached(file, position) && calls.isByteCached(file, position + sizeBytes - 1)
  const start = (file: number, position: number, sizeBytes: number, loaded: () => void) =>
    calls.load(file, position, sizeBytes, () => {
      while (calls.mayLoad() && waiting.length > 0) waiting.shift()?.()
      loaded()
    })

  return {
    load: (file, position, sizeBytes) => {
      if (isCached(file, position, sizeBytes)) return undefined
      return new Promise((resolve) => {
        const begin = () => {
          // Another load may have read the range while this one waited.
          if (isCached(file, position, sizeBytes)) resolve()
          else start(file, position, sizeBytes, resolve)
        }
        if (calls.mayLoad()) begin()
        else waiting.push(begin)
      })
    },
    loadAhead: (file, position, sizeBytes) =>
      calls.mayLoad() ? new Promise((resolve) => start(file, position, sizeBytes, resolve)) : undefined,
    send: (socket, file, position, sizeBytes) => {
      const descriptor = idleDescriptorOf(socket)
      return descriptor && Math.max(0, calls.sendfile(descriptor, file, position, sizeBytes))
    },
    read: (file, buffer, position) => readSync(file, buffer, 0, buffer.length, position),
  }
}

/**
 * The descriptor of a socket; undefined while Node has bytes to write to it. It is a private field of Node, and valid in this turn of
 * the event loop only.
 */
function idleDescriptorOf(socket: Socket): number | undefined {
  if (socket.destroyed || socket.writableLength > 0) return undefined
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null }
  const descriptor = handle?.fd
  return descriptor !== undefined && descriptor > 0 ? descriptor : undefined
}
