// A limit for each period of time.

/**
 * Returns a function that is true for the first `max` calls of each period. `atFirst` runs when a period's first call is refused,
 * and `atEnd` with the number of refused calls when the next period begins.
 */
export function createQuota({
  max,
  periodMs,
  atFirst,
  atEnd,
  now = () => performance.now(),
}: {
  max: number
  periodMs: number
  atFirst?: () => void
  atEnd?: (refused: number) => void
  now?: () => number
}): () => boolean {
  let since = Number.NEGATIVE_INFINITY
  let calls = 0
  return () => {
    const at = now()
    if (at - since >= periodMs) {
      if (calls > max) atEnd?.(calls - max)
      since = at
      calls = 0
    }
    calls += 1
    if (calls === max + 1) atFirst?.()
    return calls <= max
  }
}
