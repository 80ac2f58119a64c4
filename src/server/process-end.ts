import { messageOf, stackOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'

// The end of the process: signals, uncaught errors, and a bounded time to stop.

/** Stops the server: all parts, in order. */
export type Stop = () => Promise<void>

// Downloads get five seconds to end, and pending writes to the database get a few more.
const maxStopMs = 20_000

/** Resolves with the reason to stop: a signal, a closed terminal, or the end of the parent process. */
export function endAsked(): Promise<string> {
  return new Promise((resolve) => {
    // The handlers stay: a signal to a whole process group may arrive twice, because npm forwards it as well.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve(signal))
    // `npm start` (scripts/start.js) has a channel to this process. The channel closes however `npm start` ends.
    if (process.connected) process.once('disconnect', () => resolve('the parent process ended'))
  })
}

/** Stops the server and ends the process. Parts that do not stop in time are abandoned. */
export async function endProcess(code: number, log: Logger, stop: Stop): Promise<never> {
  setTimeout(() => {
    log.error({ seconds: maxStopMs / 1000 }, 'stop timed out, exiting')
    process.exit(code || 1)
  }, maxStopMs)
  await stop().catch((error: unknown) => log.error({ error: messageOf(error) }, 'stop failed, exiting'))
  process.exit(code)
}

/**
 * Ends the process after an uncaught error, because the server may be in an unknown state. The error is logged with its
 * cause, and all parts are closed in order. The exit code makes the supervisor of the process restart it.
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
