// Limits how much work runs at once.

/** Too much work is waiting already. */
export class BusyError extends Error {
  override name = 'BusyError'
}

/** Runs work when there is room for it. */
export type Gate = <Result>(work: () => Promise<Result>) => Promise<Result>

/** Runs at most `maxAtOnce` works at once. Further ones wait in their order; beyond `maxWaiting`, the gate rejects with a BusyError. */
export function createGate({ maxAtOnce, maxWaiting }: { maxAtOnce: number; maxWaiting: number }): Gate {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running < maxAtOnce) running += 1
    else if (waiting.length >= maxWaiting) throw new BusyError('the server is busy: try again in a few seconds')
    // The work that ends passes its place on.
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
