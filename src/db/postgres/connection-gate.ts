// Limits the work on the database to the connections that it has.

import { BusyDatabaseError } from '../../lib/outage.ts'

/** Limits the simultaneous work on the database to its number of connections. */
export type ConnectionGate = {
  /** Runs work that uses one connection. @throws BusyDatabaseError when none becomes free in time; what the work throws */
  run: <T>(work: () => Promise<T>) => Promise<T>
  /** The server refused connections recently, and the existing ones have to suffice. */
  isNarrow: () => boolean
}

/**
 * A gate of `max` places. If the server refuses a connection, the work has not begun: it waits for an existing
 * connection, and for `narrowMs` no more connections are opened. If no other work runs, the work fails with the
 * refusal.
 */
export function createConnectionGate({
  max,
  waitMs,
  narrowMs,
  isRefusal,
}: {
  max: number
  waitMs: number
  narrowMs: number
  isRefusal: (error: unknown) => boolean
}): ConnectionGate {
  type Waiting = { enter: () => void; timer: NodeJS.Timeout }
  const waiting: Waiting[] = []
  let running = 0
  let narrowed = { places: max, until: 0 }
  const places = () => (Date.now() < narrowed.until ? narrowed.places : max)

  const enter = async () => {
    if (running < places() && waiting.length === 0) {
      running += 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(place), 1)
        reject(new BusyDatabaseError(`no connection to the database was free within ${waitMs / 1000} s`))
      }, waitMs)
      const place = { enter: resolve, timer }
      waiting.push(place)
    })
  }
  const leave = () => {
    running -= 1
    while (running < places() && waiting.length > 0) {
      const next = waiting.shift() as Waiting
      clearTimeout(next.timer)
      running += 1
      next.enter()
    }
  }
  return {
    isNarrow: () => Date.now() < narrowed.until,
    run: async (work) => {
      for (;;) {
        await enter()
        try {
          return await work()
        } catch (error) {
          if (!isRefusal(error) || running === 1) throw error
          narrowed = { places: running - 1, until: Date.now() + narrowMs }
        } finally {
          leave()
        }
      }
    },
  }
}
