import { sharerOf } from '../../lib/subnet.ts'

/** Runs work for an address, in its turn. */
export type FairTurns = <Result>(address: string, work: () => Promise<Result>) => Promise<Result>

/**
 * Works on at most `maxAtOnce` requests of one address at once; its further ones wait, in their order. So a client
 * with a thousand connections does not keep other clients from the database.
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
    // The next one takes over the place of the one that ended. Promises alone would keep Node from reading any socket
    // until all who wait were answered.
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
