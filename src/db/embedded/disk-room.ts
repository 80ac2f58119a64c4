// Watches the free disk space for the embedded database.

import { statfsSync } from 'node:fs'

/** The free space on the disk of the database. */
export type DiskRoom = {
  /**
   * Whether the free space is too small for changes. The log size `logBytes` and the time decide when to check the
   * disk.
   */
  isLow: (logBytes: number) => boolean
  /** The fault as text, after `isLow`. */
  reason: () => string
}

/** Two segments of PostgreSQL's log: the next segment, and a segment for a checkpoint. */
const minRoomBytes = 32 * 2 ** 20
// Above the minimum, so that a disk at the limit does not switch between the states.
const enoughBytes = minRoomBytes + 8 * 2 ** 20
const askEveryMs = 100
const askEveryBytes = 4 * 2 ** 20

export function watchDiskRoom(folder: string | undefined): DiskRoom {
  let low = false
  let free = 0
  let askedAt = Number.NEGATIVE_INFINITY
  let askedBytes = 0
  const ask = (logBytes: number) => {
    const now = performance.now()
    if (folder === undefined || (now - askedAt < askEveryMs && logBytes - askedBytes < askEveryBytes)) return
    askedAt = now
    askedBytes = logBytes
    const { bavail, bsize } = statfsSync(folder)
    free = bavail * bsize
    low = free < (low ? enoughBytes : minRoomBytes)
  }
  return {
    isLow: (logBytes) => {
      ask(logBytes)
      return low
    },
    reason: () =>
      `the disk of the database is full: expected at least ${minRoomBytes} free bytes, got ${free}. Next step: free space on the disk of ${folder}`,
  }
}
