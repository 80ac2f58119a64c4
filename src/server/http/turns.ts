// Limits how many requests of a listener are worked on at once, so that a flood of them leaves time for boots.
import { sharerOf } from '../../lib/subnet.ts'

/** Runs work for an address in its turn. */
export type Turns = <Result>(address: string, work: () => Promise<Result> | Result) => Promise<Result>

/**
 * At most `maxAtOnce` works run at once. The others wait: addresses alternate, and the works of an address keep their order. Work
 * that takes longer than `maxTurnMs` waits for something, such as an upload, and leaves its turn to the next.
 */
export function createTurns({ maxAtOnce, maxTurnMs }: { maxAtOnce: number; maxTurnMs: number }): Turns {
  /** The waiting works of each client. The client whose turn is next is first. */
  const waiting = new Map<string, (() => void)[]>()
  let running = 0

  const next = () => {
    const [first] = waiting
    if (first === undefined) {
      running -= 1
      return
    }
    const [sharer, queue] = first
    const begin = queue.shift()
    waiting.delete(sharer)
    if (queue.length > 0) waiting.set(sharer, queue)
    begin?.()
  }
  const takeTurn = (): (() => void) => {
    let isOver = false
    const end = () => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      // With promises alone, Node would read no socket until all waiting requests were answered.
      setImmediate(next)
    }
    const timer = setTimeout(end, maxTurnMs)
    return end
  }
  const begun = (address: string): Promise<void> | undefined => {
    if (running < maxAtOnce) {
      running += 1
      return undefined
    }
    const sharer = sharerOf(address)
    return new Promise((resolve) => {
      const queue = waiting.get(sharer)
      if (queue === undefined) waiting.set(sharer, [resolve])
      else queue.push(resolve)
    })
  }

  return async (address, work) => {
    await begun(address)
    const end = takeTurn()
    try {
      return await work()
    } finally {
      end()
    }
  }
}
