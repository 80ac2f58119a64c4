import { setTimeout as sleep } from 'node:timers/promises'
import type { FileChecks, MaintenanceDeps } from '../files/check.ts'
import { claimFileToCheck } from '../inventory/images/file-checks.ts'
import { messageOf } from '../lib/errors.ts'

/** As fast as a hard disk reads beside its other work. */
const backgroundBytesPerSecond = 50e6

/**
 * Hashes every file again once in so many days, the one that waits longest first, gently, as long as the server runs; damaged
 * ones once an hour. With 0 days nothing is done.
 * @param lookMs how often it is asked what is due
 */
export function startBackgroundChecks(
  { db, log }: Pick<MaintenanceDeps, 'db' | 'log'>,
  checks: FileChecks,
  { everyDays, lookMs = 60_000 }: { everyDays: number; lookMs?: number },
): { stop: () => Promise<void> } {
  const stopped = new AbortController()
  const { signal } = stopped
  const checkOne = async () => {
    const file = await claimFileToCheck(db, everyDays)
    if (file === undefined) return false
    await checks.check(file, { bytesPerSecond: backgroundBytesPerSecond, signal })
    return true
  }
  const run = async () => {
    while (!signal.aborted) {
      const more = await checkOne().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ error: messageOf(error) }, 'a stored file was not checked; it is tried again')
        return false
      })
      if (!more) await sleep(lookMs, undefined, { signal }).catch(() => {})
    }
  }
  const running = everyDays > 0 ? run() : Promise.resolve()
  return {
    stop: async () => {
      stopped.abort(new Error('the server stops'))
      await running
    },
  }
}
