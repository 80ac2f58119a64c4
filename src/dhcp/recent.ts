// Limits the answers to each client.
import { LRUCache } from 'lru-cache'

const maxKeys = 10_000

/** Returns whether a key is new or was last admitted at least `periodMs` ago. The table is bounded: the oldest keys are evicted. */
export function createRecent(periodMs = 1000, now: () => number = () => performance.now()): (key: string) => boolean {
  const admitted = new LRUCache<string, number>({ max: maxKeys })
  return (key) => {
    const at = now()
    const before = admitted.get(key)
    if (before !== undefined && at - before < periodMs) return false
    admitted.set(key, at)
    return true
  }
}
