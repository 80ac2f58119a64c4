// How many downloads run at once, and how fast all of them together may be.
import { sharerOf } from '../../lib/subnet.ts'
import type { RateLimit } from './send-bytes.ts'

/** A download that was let in. `leave` is called once, when it has ended either way. */
export type Transfer = { rateLimit: RateLimit; leave: () => void }

/** How many downloads go on at once, and how fast all of them together. */
export type Admission = {
  /** Lets a download in, or says after how many seconds to ask again. */
  enter: (by?: Downloader) => Transfer | { retryAfterSeconds: number }
}

/** Who downloads. A download that can be disconnected may have to give its place to another address. */
export type Downloader = { address: string; disconnect: (() => void) | undefined }

type Place = { sharer: string; movedAt: number; disconnect: (() => void) | undefined; leave: () => void }

/** When all slots are taken, a download that has stalled for this long loses its slot to an address that has fewer. */
const stalledMs = 10_000

/** Maximum Retry-After: an operator who waits longer wonders whether anything happens. */
const longestWaitSeconds = 60
/** Taken for the time of a download until one has ended. */
const firstGuessMs = 1000

/**
 * Bounds downloads in number, shared between addresses (subnet.ts, `sharerOf`), and, when `bytesPerSecond` is given, in
 * speed. Those refused are spread over the time that the queue needs, each by its own chance: a thousand machines told the same second would come back in the same second.
 * Stock iPXE obeys Retry-After (its net/tcp/httpcore.c).
 */
export function createAdmission(
  { maxTransfers, bytesPerSecond }: { maxTransfers: number; bytesPerSecond: number | undefined },
  { now = () => performance.now(), random = Math.random } = {},
): Admission {
  const rateLimit = createRateLimit(bytesPerSecond, now)
  const places = new Set<Place>()
  /** How long a download takes, lately. */
  let usualMs: number | undefined
  /** How many were told to come back in each second from now on: they are the queue. */
  const expected = new Map<number, number>()

  /** Of the address that has most places, and more than this one, the download that is stalled for longest. */
  const findStalled = (sharer: string, at: number): Place | undefined => {
    const counts = new Map<string, number>()
    for (const place of places) counts.set(place.sharer, (counts.get(place.sharer) ?? 0) + 1)
    const countOf = (place: Place) => counts.get(place.sharer) ?? 0
    const own = counts.get(sharer) ?? 0
    let found: Place | undefined
    for (const place of places) {
      if (place.disconnect === undefined || at - place.movedAt < stalledMs || countOf(place) <= own) continue
      const more = found === undefined ? 1 : countOf(place) - countOf(found)
      if (more > 0 || (more === 0 && place.movedAt < (found?.movedAt ?? at))) found = place
    }
    return found
  }
  const takeFrom = (place: Place | undefined) => {
    place?.leave()
    place?.disconnect?.()
  }

  return {
    enter: (by) => {
      const startedAt = now()
      const sharer = sharerOf(by?.address ?? '')
      if (places.size >= maxTransfers) takeFrom(findStalled(sharer, startedAt))
      if (places.size < maxTransfers) {
        const place: Place = {
          sharer,
          movedAt: startedAt,
          disconnect: by?.disconnect,
          leave: () => {
            if (!places.delete(place)) return
            const tookMs = now() - startedAt
            usualMs = usualMs === undefined ? tookMs : usualMs + (tookMs - usualMs) / 8
          },
        }
        places.add(place)
        return {
          rateLimit: (bytes) => {
            place.movedAt = now()
            return rateLimit(bytes)
          },
          leave: place.leave,
        }
      }
      const second = Math.floor(startedAt / 1000)
      for (const past of expected.keys()) if (past < second) expected.delete(past)
      const waiting = 1 + [...expected.values()].reduce((sum, count) => sum + count, 0)
      const queueMs = (Math.ceil(waiting / maxTransfers) + 1) * (usualMs ?? firstGuessMs)
      const spread = Math.min(longestWaitSeconds, Math.max(3, queueMs / 1000))
      const retryAfterSeconds = 1 + Math.floor(random() * spread)
      expected.set(second + retryAfterSeconds, (expected.get(second + retryAfterSeconds) ?? 0) + 1)
      return { retryAfterSeconds }
    },
  }
}

/** A token bucket that holds one second's worth. Taking more than it holds waits until that would be earned. */
export function createRateLimit(bytesPerSecond: number | undefined, now = () => performance.now()): RateLimit {
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
