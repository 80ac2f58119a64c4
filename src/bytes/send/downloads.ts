// Admits, counts and shows the downloads of this server, in all its processes. Called by send-file.ts and bytes/workers/.
import type { Metrics } from '../../lib/metrics.ts'
import { type Admission, createAdmission } from './admission.ts'
import { createRunningDownloads, type NewDownload, type RunningDownloads } from './running.ts'
import type { RateLimit } from './send-bytes.ts'

/** A download that asks to begin. A small one has no limit, and is not shown. `stage` is that of its URL. */
export type Download = NewDownload & { stage?: string | undefined; isSmall: boolean }

/** The result of a download: `complete` if the last byte was handed to the system. */
export type Sent = { bytes: number; complete: boolean; durationMs: number }

/** A download that has begun. `moved` counts bytes that the system took. Call `ended` once. Neither throws or waits. */
export type BegunDownload = { rateLimit: RateLimit; moved: (bytes: number) => void; ended: (result: Sent) => void }

/** All slots are taken: the client should retry after these seconds. */
export type RefusedDownload = { retryAfterSeconds: number }

/** Begins a download, or refuses it. `disconnect` disconnects its client, so that another address gets its slot. */
export type BeginDownload = (
  download: Download,
  disconnect: () => void,
) => BegunDownload | RefusedDownload | Promise<BegunDownload | RefusedDownload>

/** The metrics of downloads. */
export type DownloadMetrics = Pick<Metrics, 'transferStarted' | 'transferBytes' | 'transferEnded' | 'transferRefused'>

/** All downloads of a server. */
export type Downloads = {
  begin: (download: Download, disconnect: () => void) => BegunDownload | RefusedDownload
  running: Pick<RunningDownloads, 'list'>
}

const unlimited: RateLimit = () => undefined
const smallSlot = { rateLimit: unlimited, moved: () => {}, leave: () => {} }

/** Downloads within the limits of the settings. */
export function createDownloads(
  settings: { maxTransfers: number; bytesPerSecond: number | undefined },
  metrics?: DownloadMetrics,
): Downloads {
  const admission: Admission = createAdmission(settings)
  const running = createRunningDownloads()
  return {
    running,
    begin: (download, disconnect) => {
      const { isSmall, address } = download
      const slot = isSmall ? smallSlot : admission.enter({ address, disconnect })
      if ('retryAfterSeconds' in slot) {
        metrics?.transferRefused('boot')
        return slot
      }
      metrics?.transferStarted('boot')
      const listed = isSmall ? undefined : running.begin(download)
      return {
        rateLimit: slot.rateLimit,
        moved: (bytes) => {
          metrics?.transferBytes('boot', bytes)
          slot.moved()
          listed?.moved(bytes)
        },
        ended: ({ complete }) => {
          slot.leave()
          listed?.ended()
          metrics?.transferEnded('boot', complete ? 'complete' : 'interrupted')
        },
      }
    },
  }
}
