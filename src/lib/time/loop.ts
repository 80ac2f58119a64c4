// The loop for all work that repeats: housekeeping, webhooks, imports and file verification.
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'
import { isOutage } from '../outage.ts'

/** A task that repeats. `wake` ends the current wait. `stop` waits until the current run ends. */
export type Loop = { wake: () => void; stop: () => Promise<void> }

/**
 * `name` begins the log line of a failure. If `waits` is true, the first run begins after `everyMs`, not immediately.
 */
export type LoopOptions = { name: string; everyMs: number; log: Pick<Logger, 'warn'>; waits?: boolean }

/**
 * Runs a task every `everyMs` milliseconds until the loop is stopped. Runs never overlap. If the task returns true, it
 * has more to do and runs again immediately. If it fails, the loop logs the error and retries after the usual wait. While the
 * database is unreachable, only the first failure is logged.
 */
export function startLoop(
  task: (signal: AbortSignal) => Promise<boolean | undefined>,
  { name, everyMs, log, waits = false }: LoopOptions,
): Loop {
  const stopped = new AbortController()
  const { signal } = stopped
  let isWoken = false
  let endPause = () => {}
  const wake = () => {
    isWoken = true
    endPause()
  }
  const pause = async () => {
    const waited = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, everyMs)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    if (isWoken || signal.aborted) endPause()
    await waited
    isWoken = false
  }
  const run = async () => {
    if (waits) await pause()
    let isAway = false
    while (!signal.aborted) {
      const more = await task(signal).then(
        (hasMore) => {
          isAway = false
          return hasMore
        },
        (error: unknown) => {
          const wasAway = isAway
          isAway = isOutage(error)
          if (!signal.aborted && !(isAway && wasAway))
            log.warn({ error: messageOf(error) }, `${name} failed, retrying in ${everyMs / 1000} s`)
          return false
        },
      )
      if (more !== true) await pause()
    }
  }
  const running = run()
  return {
    wake,
    stop: async () => {
      stopped.abort(new Error('the server is stopping'))
      endPause()
      await running
    },
  }
}
