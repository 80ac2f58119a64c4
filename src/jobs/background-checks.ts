// Verification of stored files in the background: the reading of every byte, gently.
import type { FileChecks, MaintenanceDeps } from '../files/check.ts'
import { claimFileToCheck } from '../inventory/images/file-checks.ts'
import { startLoop } from '../lib/time/loop.ts'

/** As fast as a hard disk reads beside its other work. */
const maxBytesPerSecond = 50e6

/**
 * Verifies every stored file once in `everyDays` days, the least recently verified first; corrupted ones once an hour. 0 days:
 * never.
 * @param lookMs how often the database is asked what is due, milliseconds
 */
export function startBackgroundChecks(
  { db, log }: Pick<MaintenanceDeps, 'db' | 'log'>,
  checks: FileChecks,
  { everyDays, lookMs = 60_000 }: { everyDays: number; lookMs?: number },
): { stop: () => Promise<void> } {
  if (everyDays === 0) return { stop: async () => {} }
  const checkNext = async (signal: AbortSignal) => {
    const file = await claimFileToCheck(db, everyDays)
    if (file === undefined) return false
    await checks.check(file, { bytesPerSecond: maxBytesPerSecond, signal })
    return true
  }
  return startLoop(checkNext, { name: 'file verification', everyMs: lookMs, log })
}
