// Notices when PostgreSQL no longer answers, and when it answers again. postgres-pool.ts asks it before each statement.
import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { DatabaseAwayError, isLostConnection } from '../../lib/outage.ts'
import type { Away } from '../open.ts'

/** Whether the database server answers, as statements and checks show. */
export type DatabaseWatch = {
  /** Undefined while the database answers. */
  away: () => Away | undefined
  /** The error for statements while the database is unreachable; undefined while it answers. */
  refusal: () => DatabaseAwayError | undefined
  /** Runs a statement. @throws DatabaseAwayError at once while the database is unreachable; what the work throws */
  run: <T>(work: () => Promise<T>) => Promise<T>
  stop: () => void
}

/** How long no running statement may end before the server is checked, milliseconds. */
const maxSilenceMs = 1500
const [minRetryMs, maxRetryMs] = [250, 2000]

/**
 * Watches statements. If connections are lost or nothing is answered for a while, `check` finds out whether the server
 * answers. If it does not, all statements are refused at once until it does: none waits, and none piles up.
 * @param check resolves if the server answers. It has timeouts of its own
 * @param onAway called when the server no longer answers, to end the statements that wait for it
 * @param away the state at first, if the server has not been reached yet
 */
export function createDatabaseWatch({
  check,
  onAway,
  away: awayAtFirst,
  log,
}: {
  check: () => Promise<void>
  onAway: () => void
  away?: Away | undefined
  log?: Pick<Logger, 'info' | 'error'> | undefined
}): DatabaseWatch {
  const stopped = new AbortController()
  let away = awayAtFirst
  let isChecking = false
  let running = 0
  /** When a statement was last answered, or when the first of those that run began. */
  let heardAt = performance.now()

  const leave = (since: Date, reason: string) => {
    if (away === undefined) {
      log?.error({ reason }, 'the database is unreachable')
      away = { since, reason }
      onAway()
    } else if (away.reason !== reason) {
      log?.error({ reason, since: away.since }, 'the database is still unreachable')
      away = { since: away.since, reason }
    }
  }
  const suspect = async () => {
    if (isChecking || stopped.signal.aborted) return
    isChecking = true
    const [since, startedAt] = [new Date(), performance.now()]
    for (let waitMs = minRetryMs; !stopped.signal.aborted; waitMs = Math.min(waitMs * 2, maxRetryMs)) {
      try {
        await check()
        break
      } catch (error) {
        // A slow server may answer statements and be too slow for the check.
        if (away === undefined && heardAt > startedAt && running > 0) break
        leave(since, messageOf(error))
      }
      await wait(waitMs, undefined, { signal: stopped.signal, ref: false }).catch(() => {})
    }
    isChecking = false
    heardAt = performance.now()
    if (away === undefined || stopped.signal.aborted) return
    log?.info({ seconds: Math.round((Date.now() - away.since.getTime()) / 1000) }, 'the database answers again')
    away = undefined
  }

  const timer = setInterval(() => {
    if (running > 0 && performance.now() - heardAt > maxSilenceMs) void suspect()
  }, maxSilenceMs / 3).unref()
  if (away !== undefined) void suspect()

  const refusal = () =>
    away && new DatabaseAwayError(`the database is unreachable since ${away.since.toISOString()}: ${away.reason}`)
  return {
    away: () => away,
    refusal,
    run: async (work) => {
      const refused = refusal()
      if (refused !== undefined) throw refused
      if (running === 0) heardAt = performance.now()
      running += 1
      try {
        const result = await work()
        heardAt = performance.now()
        return result
      } catch (error) {
        if (isLostConnection(error)) void suspect()
        throw error
      } finally {
        running -= 1
      }
    },
    stop: () => {
      stopped.abort()
      clearInterval(timer)
    },
  }
}
