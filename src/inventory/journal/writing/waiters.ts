// Callers that wait until a part of the journal is in the database. Called by writer.ts.

export type Waiters = {
  /** Resolves with true when everything before an offset is settled, and with false after `giveUp`. */
  wait: (end: number) => Promise<boolean>
  /** Everything before an offset is in the database. */
  settle: (end: number) => void
  /** The offset up to which everything is settled. */
  settled: () => number
  isEmpty: () => boolean
  /** Tells all callers that the database is unreachable. */
  giveUp: () => void
}

export function createWaiters(): Waiters {
  let waiting: { end: number; resolve: (settled: boolean) => void }[] = []
  let settled = 0
  return {
    wait: (end) =>
      end <= settled ? Promise.resolve(true) : new Promise((resolve) => void waiting.push({ end, resolve })),
    settle: (end) => {
      settled = Math.max(settled, end)
      const list = waiting
      waiting = list.filter((waiter) => waiter.end > settled)
      for (const waiter of list) if (waiter.end <= settled) waiter.resolve(true)
    },
    settled: () => settled,
    isEmpty: () => waiting.length === 0,
    giveUp: () => {
      const list = waiting
      waiting = []
      for (const { resolve } of list) resolve(false)
    },
  }
}
