import type { Pace } from './send-bytes.ts'

/** A download that was let in. `leave` is called once, when it has ended either way. */
export type Transfer = { pace: Pace; leave: () => void }

/** How many downloads go on at once, and how fast all of them together. */
export type Admission = {
  /** Lets a download in, or says after how many seconds to ask again. */
  enter: () => Transfer | { retryAfterSeconds: number }
}

/** What one answer may say at most: who waits longer wonders whether anything happens. */
const longestWaitSeconds = 60
/** Refusals of so long ago count as still waiting. */
const memoryMs = 30_000

/**
 * Bounds downloads in number and, when `bytesPerSecond` is given, in speed. Those refused are spread over the time that the
 * queue needs, each by its own chance: a thousand machines told the same second would come back in the same second.
 * Stock iPXE waits as Retry-After says and asks again by itself (its net/tcp/httpcore.c).
 */
export function createAdmission(
  { mostTransfers, bytesPerSecond }: { mostTransfers: number; bytesPerSecond: number | undefined },
  { now = () => performance.now(), random = Math.random } = {},
): Admission {
  const pace = createPace(bytesPerSecond, now)
  let transfers = 0
  /** How long a download takes, lately. */
  let usualMs = 1000
  let refused: number[] = []

  return {
    enter: () => {
      const startedAt = now()
      if (transfers < mostTransfers) {
        transfers++
        return {
          pace,
          leave: () => {
            transfers--
            usualMs += (now() - startedAt - usualMs) / 8
          },
        }
      }
      refused = refused.slice(-10_000).filter((at) => at > startedAt - memoryMs)
      refused.push(startedAt)
      const queueMs = (Math.ceil(refused.length / mostTransfers) + 1) * usualMs
      const spread = Math.min(longestWaitSeconds, Math.max(3, queueMs / 1000))
      return { retryAfterSeconds: 1 + Math.floor(random() * spread) }
    },
  }
}

/** A token bucket that holds a second's worth; who takes more than there is waits until it would be there. */
export function createPace(bytesPerSecond: number | undefined, now = () => performance.now()): Pace {
  if (bytesPerSecond === undefined) return () => undefined
  const perMs = bytesPerSecond / 1000
  /** When all that was taken so far will have been earned. */
  let earnedAt = 0
  return (bytes) => {
    earnedAt = Math.max(earnedAt, now() - 1000) + bytes / perMs
    const waitMs = earnedAt - now()
    return waitMs <= 0 ? undefined : new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}
