// When the roster asks the database: one question for all look-ups of a moment, a deadline, and outages. Used by roster.ts.
import { messageOf } from '../../lib/errors.ts'

/** Since when the roster decides without the database, and why. `asOf`: the time of the last complete answer. */
export type Away = { since: Date; asOf: Date | undefined; reason: string }

export type Turns = {
  /**
   * Waits for an answer to a question that begins after this call. False if the database is away: then the caller decides
   * with what is in memory. Never throws.
   */
  fresh: () => Promise<boolean>
  away: () => Away | undefined
  /** Declares the database away, for example because another statement was late. */
  declareAway: (reason: string) => void
  stop: () => Promise<void>
}

/** Milliseconds between two questions while the database is away. */
const retryMs = 250
/** Milliseconds after which the roster asks even if no machine does, so that it is nearly current when an outage begins. */
const idleMs = 1000

type Waiting = { at: number; resolve: (isFresh: boolean) => void }

/**
 * @param ask asks and takes in the answer; throws if the database does not answer
 * @param writes a number that grows when anything may have changed; undefined if other processes may change the database
 * @param waitMs the limit of each look-up
 */
export function createTurns({
  ask,
  writes,
  waitMs,
  asOf,
  onAway,
  onBack,
}: {
  ask: () => Promise<void>
  writes: (() => number) | undefined
  waitMs: number
  asOf: () => Date | undefined
  onAway: (away: Away) => void
  onBack: (away: Away) => void
}): Turns {
  let waiting: Waiting[] = []
  let running: Waiting[] = []
  let isAsking = false
  let isStopped = false
  let asking: Promise<void> = Promise.resolve()
  let away: Away | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  // The count of writes before the last question that was answered.
  let answeredWrites = Number.NaN
  let deadline: NodeJS.Timeout | undefined

  const isKnown = () => writes !== undefined && away === undefined && writes() === answeredWrites

  const release = (isFresh: boolean) => {
    for (const { resolve } of running) resolve(isFresh)
    running = []
  }
  const declareAway = (reason: string) => {
    const isNew = away === undefined
    away ??= { since: new Date(), asOf: asOf(), reason }
    release(false)
    for (const { resolve } of waiting) resolve(false)
    waiting = []
    if (isNew) onAway(away)
  }
  const turn = async () => {
    if (isAsking || isStopped) return
    isAsking = true
    running = waiting
    waiting = []
    askedAt = performance.now()
    const count = writes?.()
    try {
      await ask()
      answeredWrites = count ?? Number.NaN
      const ended = away
      away = undefined
      if (ended !== undefined) onBack(ended)
      release(true)
    } catch (error) {
      answeredWrites = Number.NaN
      declareAway(messageOf(error))
    } finally {
      isAsking = false
    }
    if (waiting.length > 0) begin()
  }
  const begin = () => {
    asking = turn()
  }

  const watch = () => {
    deadline = undefined
    const oldest = running[0] ?? waiting[0]
    if (oldest === undefined) return
    const leftMs = oldest.at + waitMs - performance.now()
    if (leftMs > 0) deadline = setTimeout(watch, Math.ceil(leftMs))
    // The answer may have arrived while this process was busy: it is read before this runs again.
    else setImmediate(() => setImmediate(() => give(oldest)))
  }
  const give = (oldest: Waiting) => {
    if ((running[0] ?? waiting[0]) === oldest) declareAway(`no answer within ${waitMs} ms`)
    else watch()
  }

  const idle = setInterval(() => {
    const isDue = away !== undefined || (performance.now() - askedAt >= idleMs && !isKnown())
    if (isDue && !isAsking) begin()
  }, retryMs)
  idle.unref()

  return {
    fresh: () => {
      if (away !== undefined || isStopped) return Promise.resolve(false)
      if (isKnown()) return Promise.resolve(true)
      return new Promise((resolve) => {
        waiting.push({ at: performance.now(), resolve })
        deadline ??= setTimeout(watch, waitMs)
        // The other look-ups of this turn of the event loop join the question.
        if (waiting.length === 1 && !isAsking) setImmediate(begin)
      })
    },
    away: () => away,
    declareAway,
    stop: async () => {
      isStopped = true
      clearInterval(idle)
      clearTimeout(deadline)
      await asking
    },
  }
}
