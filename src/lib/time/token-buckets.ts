// Rate limits by key: a token bucket for each.

/** Takes a token of a key. If the bucket is empty, returns the seconds until the next token; otherwise 0. */
export type TokenBuckets = (key: string) => number

/**
 * Buckets that hold `burst` tokens and gain one each `everyMs`. Full buckets are deleted. If there are more keys than `maxKeys`, the
 * least recently used one is deleted.
 */
export function createTokenBuckets({
  burst,
  everyMs,
  maxKeys = 10_000,
  now = () => performance.now(),
}: {
  burst: number
  everyMs: number
  maxKeys?: number
  now?: () => number
}): TokenBuckets {
  // The time at which the bucket of a key is full again. A Map keeps the order in which keys were last used.
  const fullAt = new Map<string, number>()
  const forgetFull = (at: number) => {
    for (const [key, full] of fullAt) {
      if (full > at && fullAt.size < maxKeys) break
      fullAt.delete(key)
    }
  }
  return (key) => {
    const at = now()
    const full = Math.max(at, fullAt.get(key) ?? at)
    const waitMs = full + everyMs - at - burst * everyMs
    if (waitMs > 0) return Math.ceil(waitMs / 1000)
    forgetFull(at)
    fullAt.delete(key)
    fullAt.set(key, full + everyMs)
    return 0
  }
}
