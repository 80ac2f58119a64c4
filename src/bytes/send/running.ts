// The downloads that run at this moment, for a page that shows them. Each piece that is sent costs an addition.
import type { RunningDownload } from '../../model/timeline/downloads.ts'

/** A download that begins. `firstByte` is the first byte of its range. */
export type NewDownload = Pick<RunningDownload, 'boot' | 'address' | 'file' | 'totalBytes'> & { firstByte: number }

/** The downloads of this server, in all its processes. */
export type RunningDownloads = {
  /** `moved` hears of bytes that the system took, `ended` of the end. Neither throws or waits. */
  begin: (download: NewDownload) => { moved: (bytes: number) => void; ended: () => void }
  /** The downloads in the order of their beginning. Speeds are measured from one call to the next. */
  list: () => RunningDownload[]
}

type Sample = { at: number; doneBytes: number }
type Entry = NewDownload & { startedAt: number; movedAt: number; doneBytes: number; samples: Sample[] }

/** A speed over less than this is noise: the pieces of a fast download are 4 MiB. */
const minSampleMs = 1000
const maxSamples = 3

/** @param now a monotonic clock, milliseconds */
export function createRunningDownloads({ now = () => performance.now(), wall = Date.now } = {}): RunningDownloads {
  const running = new Set<Entry>()
  return {
    begin: (download) => {
      const startedAt = now()
      const { firstByte: doneBytes } = download
      const entry: Entry = {
        ...download,
        ...{ startedAt, movedAt: startedAt, doneBytes },
        samples: [{ at: startedAt, doneBytes }],
      }
      running.add(entry)
      return {
        moved: (bytes) => {
          entry.doneBytes += bytes
          entry.movedAt = now()
        },
        ended: () => {
          running.delete(entry)
        },
      }
    },
    list: () => {
      const at = now()
      const momentOf = (of: number) => new Date(Math.round(wall() - (at - of)))
      return [...running].map((entry) => {
        const { boot, address, file, totalBytes, doneBytes, startedAt, movedAt } = entry
        return {
          ...{ boot, address, file, doneBytes, totalBytes },
          bytesPerSecond: speedOf(entry, at),
          startedAt: momentOf(startedAt),
          movedAt: momentOf(movedAt),
        }
      })
    },
  }
}

/** The speed since the oldest of the last samples. Takes a new sample at most once a second. */
function speedOf({ samples, doneBytes }: Entry, at: number): number | undefined {
  const newest = samples.at(-1)
  if (newest === undefined || at - newest.at >= minSampleMs) samples.push({ at, doneBytes })
  if (samples.length > maxSamples) samples.shift()
  const [oldest] = samples
  if (oldest === undefined || at - oldest.at < minSampleMs) return undefined
  return Math.round(((doneBytes - oldest.doneBytes) * 1000) / (at - oldest.at))
}
