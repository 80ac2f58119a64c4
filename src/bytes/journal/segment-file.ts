// A file of a journal while it is written. Called by run.ts.
import { closeSync, fsync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'
import { encodeFrames } from './frames.ts'

export type SegmentFile = {
  path: string
  size: () => number
  /** Writes all bytes into the page cache of the operating system, or throws and leaves the file as it was. */
  write: (bytes: Buffer) => void
  /** A failed write could not be undone, so nothing more may be written. */
  isBroken: () => boolean
  /** Writes the file to the disk (fsync(2)). */
  sync: () => Promise<void>
  /** Closes the file after a running `sync`. */
  close: () => void
}

/** Makes a file that begins with a record. @throws what the operating system reports, for example ENOSPC or EROFS */
export function openSegmentFile(path: string, firstText: string): SegmentFile {
  const fd = openSync(path, 'ax', 0o600)
  let size = 0
  let broken = false
  let syncing = 0
  let isClosing = false
  let isClosed = false
  const closeNow = () => {
    if (isClosed || !isClosing || syncing > 0) return
    isClosed = true
    closeSync(fd)
  }
  const write = (bytes: Buffer) => {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at)
      size += bytes.length
    } catch (error) {
      // A full disk may take a part of the bytes.
      try {
        ftruncateSync(fd, size)
      } catch {
        broken = true
      }
      throw error
    }
  }
  try {
    write(encodeFrames([firstText]).bytes)
  } catch (error) {
    closeSync(fd)
    rmSync(path, { force: true })
    throw error
  }
  return {
    path,
    size: () => size,
    write,
    isBroken: () => broken,
    sync: () =>
      new Promise((resolve, reject) => {
        if (isClosed) return resolve()
        syncing += 1
        fsync(fd, (error) => {
          syncing -= 1
          closeNow()
          if (error === null) resolve()
          else reject(error)
        })
      }),
    close: () => {
      isClosing = true
      closeNow()
    },
  }
}
