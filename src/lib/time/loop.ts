// The one way in which work repeats: housekeeping, webhooks, imports and file checks run in such loops.
import { messageOf } from '../errors.ts'
import type { Logger } from '../log.ts'

/** A task that runs again and again. `wake` ends the present wait; `stop` waits for the task that runs. */
export type Loop = { wake: () => void; stop: () => Promise<void> }

/** `name` begins the log line of a failure. `waits`: the first run comes after `everyMs`, not at once. */
export type LoopOptions = { name: string; everyMs: number; log: Pick<Logger, 'warn'>; waits?: boolean }

/**
 * Runs a task every `everyMs` milliseconds, never twice at once, until it is stopped. A task that gives true has more to do
 * and runs again at once; one that fails is logged and retried after the usual wait.
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
    while (!signal.aborted) {
      const more = await task(signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error: messageOf(error) }, `${name} failed, retrying in ${everyMs / 1000} s`)
        return false
      })
      if (more !== true) await pause()
    }
  }
  const running = run()
  return {
    wake,
    stop: async () => {
      stopped.abort(new Error('the server stops'))
      endPause()
      await running
    },
  }
}
