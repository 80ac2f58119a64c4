// Background verification: every stored file is read and hashed, at a limited speed.
import type { FileChecks, MaintenanceDeps } from '../files/check.ts'
import { claimFileToCheck } from '../inventory/images/file-checks.ts'
import { startLoop } from '../lib/time/loop.ts'

/** About half of the sequential speed of a hard disk, so that other reads stay fast. */
const maxBytesPerSecond = 50e6

/**
 * Verifies every stored file once in `everyDays` days, the least recently verified file first, and each corrupted file
 * once an hour. 0 days disable it.
 * @param lookMs milliseconds between two queries for files that are due
 * @param mayCheck false while the store of this server is not known to be that of the database
 */
export function startBackgroundChecks(
  { db, log }: Pick<MaintenanceDeps, 'db' | 'log'>,
  checks: FileChecks,
  {
    everyDays,
    lookMs = 60_000,
    mayCheck = () => true,
  }: { everyDays: number; lookMs?: number; mayCheck?: () => boolean },
): { stop: () => Promise<void> } {
  if (everyDays === 0) return { stop: async () => {} }
  const checkNext = async (signal: AbortSignal) => {
    if (!mayCheck()) return false
    const file = await claimFileToCheck(db, everyDays)
    if (file === undefined) return false
    await checks.check(file, { bytesPerSecond: maxBytesPerSecond, signal })
    return true
  }
  return startLoop(checkNext, { name: 'file verification', everyMs: lookMs, log })
}
