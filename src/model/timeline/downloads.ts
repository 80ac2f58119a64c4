// Downloads of files that run at this moment, and when one of them is stuck. Pure.
import type { Gap } from './timeline.ts'

/** A download of a file over boot HTTP that has begun and not ended. */
export type RunningDownload = {
  /** The boot that the URL names. An installer's own downloads name none: then only the address tells. */
  boot: string | undefined
  address: string
  /** The file's name in its image. */
  file: string
  /** The bytes of the file that the machine has: those before the requested range, and those that the system took. */
  doneBytes: number
  totalBytes: number
  /** The speed of the last seconds; undefined in the first second. */
  bytesPerSecond: number | undefined
  startedAt: Date
  /** When the last bytes moved. */
  movedAt: Date
}

/** A machine that loads a file and takes no byte for this long is stuck: TCP retransmits within a second or two. */
const stuckMs = 20_000

/** The gap of a download whose machine takes no bytes; undefined while bytes move. */
export function stuckDownload(download: RunningDownload, now: Date): Gap | undefined {
  const { file, doneBytes, totalBytes, movedAt } = download
  const idleMs = now.getTime() - movedAt.getTime()
  if (idleMs < stuckMs) return undefined
  const seconds = Math.floor(idleMs / 1000)
  return {
    at: movedAt,
    text: `the download of ${file} is stuck at ${doneBytes} of ${totalBytes} bytes for ${seconds} s: the machine takes no bytes. It was switched off, lost its link, or its network card stalls`,
  }
}
