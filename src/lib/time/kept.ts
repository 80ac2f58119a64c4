// A result that is kept for a while, and shared by all that ask for it.

/**
 * Returns a function that computes at most once in `keptMs` milliseconds. Calls at the same time share a computation. A
 * computation that failed is not kept.
 */
export function kept<Result>(keptMs: number, compute: () => Promise<Result>): () => Promise<Result> {
  let at = Number.NEGATIVE_INFINITY
  let result: Promise<Result> | undefined
  return () => {
    if (result === undefined || performance.now() - at > keptMs) {
      at = performance.now()
      const computing = compute()
      computing.catch(() => {
        if (result === computing) result = undefined
      })
      result = computing
    }
    return result
  }
}
