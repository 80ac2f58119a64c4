import { messageOf, stackOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'

/** Something that can be stopped: everything that listens, in order. */
export type Stop = () => Promise<void>

// Downloads get five seconds to end, what is to be written to the database a few more.
const maxStopMs = 20_000

/**
 * Resolves with its reason when the process is asked to end: a signal, its terminal closed, or the end of who started
 * it.
 */
export function endAsked(): Promise<string> {
  return new Promise((resolve) => {
    // For good: the same signal comes twice when it is sent to a whole group and passed on.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal))
    // `npm start` (scripts/start.js) has a channel to this process: it closes when that ends, however it ends.
    if (process.connected) process.once('disconnect', () => resolve('its starter ended'))
  })
}

/** Stops, then ends the process; in bounded time, whatever does not stop. */
export async function endProcess(code: number, log: Logger, stop: Stop): Promise<never> {
  setTimeout(() => {
    log.error({ seconds: maxStopMs / 1000 }, 'not everything stopped in time, exiting')
    process.exit(code || 1)
  }, maxStopMs)
  await stop().catch((error: unknown) => log.error({ error: messageOf(error) }, 'did not stop in order'))
  process.exit(code)
}

/**
 * An uncaught error stops the whole server. It is logged with its cause, everything is closed in order, and the exit
 * code tells the supervisor to restart the process.
 */
export function endOnUncaught(log: Logger, stop: Stop): void {
  let isEnding = false
  const end = (error: unknown) => {
    log.fatal({ error: messageOf(error), stack: stackOf(error) }, 'uncaught error, stopping')
    if (isEnding) return
    isEnding = true
    void endProcess(1, log, stop)
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}
