// Limits the parallel requests of each address. Called by app.ts.
import { sharerOf } from '../../lib/subnet.ts'

/** Runs work for an address when it is the address's turn. */
export type FairTurns = <Result>(address: string, work: () => Result | Promise<Result>) => Promise<Result>

/**
 * Runs at most `maxAtOnce` requests of an address in parallel. Further requests wait in their order. So a client with a
 * thousand connections cannot block the database for other clients.
 */
export function createFairTurns(maxAtOnce: number): FairTurns {
  const running = new Map<string, number>()
  const waiting = new Map<string, (() => void)[]>()

  const begin = (sharer: string): Promise<void> | undefined => {
    const count = running.get(sharer) ?? 0
    if (count < maxAtOnce) return void running.set(sharer, count + 1)
    const queue = waiting.get(sharer) ?? []
    waiting.set(sharer, queue)
    return new Promise((resolve) => queue.push(resolve))
  }
  const end = (sharer: string) => {
    const queue = waiting.get(sharer)
    const next = queue?.shift()
    if (queue?.length === 0) waiting.delete(sharer)
    // The next request gets the slot of the ended request. With promises alone, Node would read no socket until all waiting
    // requests were answered.
    if (next !== undefined) return void setImmediate(next)
    const left = (running.get(sharer) ?? 1) - 1
    if (left > 0) running.set(sharer, left)
    else running.delete(sharer)
  }

  return async (address, work) => {
    const sharer = sharerOf(address)
    await begin(sharer)
    try {
      return await work()
    } finally {
      end(sharer)
    }
  }
}
