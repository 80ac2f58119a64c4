// The pauses of the journal's writer: what machines wait for comes first. Called by writer.ts.
import { performance } from 'node:perf_hooks'

export type Pace = {
  /** Waits after a batch that took this time. `isBehind`: more records wait already. */
  pause: (batchMs: number, isBehind: boolean) => Promise<void>
  /** Ends the present pause, or skips the next one: somebody waits for the database. */
  hurry: () => void
}

/** Batches without a pause after a quiet time: single boots are in the database at once. */
const maxFree = 20
const freePerSecond = 10
/** The usual pause. The records of this time are written together, which costs much less than a batch for each. */
const gatherMs = 25
/** Above this share the event loop has no time left. Scripts, reports and files then get most of it. */
const busyShare = 0.85
/** The pause of a busy server, in durations of the batch before. */
const busyBatches = 10
const maxBusyMs = 1000
/** A writer that is behind for this long takes no long pauses, so that the journal stays short. */
const maxBehindMs = 15_000

/** Creates the pauses of a writer: none for a few boots, short ones in a storm, and long ones while the process is busy. */
export function createPace(): Pace {
  let usage = performance.eventLoopUtilization()
  let free = maxFree
  let pausedAt = performance.now()
  let behindSince: number | undefined
  let isUrgent = false
  let end = () => {}

  const pauseMs = (batchMs: number, isBehind: boolean): number => {
    const now = performance.now()
    free = Math.min(maxFree, free + ((now - pausedAt) / 1000) * freePerSecond)
    pausedAt = now
    behindSince = isBehind ? (behindSince ?? now) : undefined
    const total = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(total, usage)
    usage = total
    if (free >= 1) {
      free -= 1
      return 0
    }
    const isBusy = utilization > busyShare && now - (behindSince ?? now) < maxBehindMs
    return isBusy ? Math.max(gatherMs, Math.min(maxBusyMs, busyBatches * batchMs)) : gatherMs
  }
  return {
    pause: async (batchMs, isBehind) => {
      const ms = pauseMs(batchMs, isBehind)
      if (!isUrgent && ms > 0)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms)
          end = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      isUrgent = false
    },
    hurry: () => {
      isUrgent = true
      end()
    },
  }
}
