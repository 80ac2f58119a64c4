// Limits on downloads: their number, and their total speed.
import { sharerOf } from '../../lib/subnet.ts'
import type { RateLimit } from './send-bytes.ts'

/** An admitted download. Call `moved` when bytes moved, and `leave` once, when it has completed or failed. */
export type Transfer = { rateLimit: RateLimit; moved: () => void; leave: () => void }

/** The limits that all downloads share. */
export type Admission = {
  /** Admits a download, or returns the seconds after which the client should retry. */
  enter: (by?: Downloader) => Transfer | { retryAfterSeconds: number }
}

/** The client of a download. With `disconnect`, the client may lose its slot to another address. */
export type Downloader = { address: string; disconnect: (() => void) | undefined }

type Slot = { sharer: string; movedAt: number; disconnect: (() => void) | undefined; leave: () => void }

/** When all slots are taken, a download that has stalled for this long loses its slot to an address that has fewer. */
const stalledMs = 10_000

/** Maximum Retry-After: after a longer silence an operator would think that the machine hangs. */
const maxRetryAfterSeconds = 60
/** Assumed duration of a download until the first has ended. */
const initialAverageMs = 1000

/**
 * Limits the number of downloads, with slots shared between addresses (subnet.ts, `sharerOf`), and optionally their speed.
 * Each refused client gets a random Retry-After within the time that the queue needs. With the same second for all, a thousand
 * machines would return at once. Stock iPXE obeys Retry-After (its net/tcp/httpcore.c).
 */
export function createAdmission(
  { maxTransfers, bytesPerSecond }: { maxTransfers: number; bytesPerSecond: number | undefined },
  { now = () => performance.now(), random = Math.random } = {},
): Admission {
  const rateLimit = createRateLimit(bytesPerSecond, now)
  const slots = new Set<Slot>()
  /** Moving average of the duration of a download. */
  let averageMs: number | undefined
  /** The number of clients that will retry in each coming second: these clients are the queue. */
  const expected = new Map<number, number>()

  /** Finds a download to disconnect: the longest-stalled of the address with the most slots, if it has more than `sharer`. */
  const findStalled = (sharer: string, at: number): Slot | undefined => {
    const counts = new Map<string, number>()
    for (const slot of slots) counts.set(slot.sharer, (counts.get(slot.sharer) ?? 0) + 1)
    const countOf = (slot: Slot) => counts.get(slot.sharer) ?? 0
    const own = counts.get(sharer) ?? 0
    let found: Slot | undefined
    for (const slot of slots) {
      if (slot.disconnect === undefined || at - slot.movedAt < stalledMs || countOf(slot) <= own) continue
      const more = found === undefined ? 1 : countOf(slot) - countOf(found)
      if (more > 0 || (more === 0 && slot.movedAt < (found?.movedAt ?? at))) found = slot
    }
    return found
  }
  const takeFrom = (slot: Slot | undefined) => {
    slot?.leave()
    slot?.disconnect?.()
  }

  return {
    enter: (by) => {
      const startedAt = now()
      const sharer = sharerOf(by?.address ?? '')
      if (slots.size >= maxTransfers) takeFrom(findStalled(sharer, startedAt))
      if (slots.size < maxTransfers) {
        const slot: Slot = {
          sharer,
          movedAt: startedAt,
          disconnect: by?.disconnect,
          leave: () => {
            if (!slots.delete(slot)) return
            const tookMs = now() - startedAt
            averageMs = averageMs === undefined ? tookMs : averageMs + (tookMs - averageMs) / 8
          },
        }
        slots.add(slot)
        return {
          rateLimit,
          moved: () => {
            slot.movedAt = now()
          },
          leave: slot.leave,
        }
      }
      const second = Math.floor(startedAt / 1000)
      for (const past of expected.keys()) if (past < second) expected.delete(past)
      const waiting = 1 + [...expected.values()].reduce((sum, count) => sum + count, 0)
      const queueMs = (Math.ceil(waiting / maxTransfers) + 1) * (averageMs ?? initialAverageMs)
      const spread = Math.min(maxRetryAfterSeconds, Math.max(3, queueMs / 1000))
      const retryAfterSeconds = 1 + Math.floor(random() * spread)
      expected.set(second + retryAfterSeconds, (expected.get(second + retryAfterSeconds) ?? 0) + 1)
      return { retryAfterSeconds }
    },
  }
}

/** A token bucket that holds the tokens of one second. Callers that take more wait until those tokens are earned. */
export function createRateLimit(bytesPerSecond: number | undefined, now = () => performance.now()): RateLimit {
  if (bytesPerSecond === undefined) return () => undefined
  const perMs = bytesPerSecond / 1000
  /** The time at which all tokens taken so far will be earned. */
  let earnedAt = 0
  return (bytes) => {
    earnedAt = Math.max(earnedAt, now() - 1000) + bytes / perMs
    const waitMs = earnedAt - now()
    return waitMs <= 0 ? undefined : new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}
