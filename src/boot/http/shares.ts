// Limits the new machines of each address. Pure but for the clock; used by the server as `mayRecord`.
import { LRUCache } from 'lru-cache'
import { sharerOf } from '../../lib/subnet.ts'

/**
 * A limit for each address: a burst, and then one more every ten seconds. Machines need far less. A host that invents
 * machines cannot exceed the limit.
 */
export function createShares(
  { burst, refillMs = 10_000 }: { burst: number; refillMs?: number },
  now: () => number = () => performance.now(),
): (address: string) => boolean {
  const shares = new LRUCache<string, { left: number; at: number }>({ max: 65_536 })
  return (address) => {
    const network = sharerOf(address)
    const at = now()
    const before = shares.get(network) ?? { left: burst, at }
    const left = Math.min(burst, before.left + (at - before.at) / refillMs)
    shares.set(network, { left: left >= 1 ? left - 1 : left, at })
    return left >= 1
  }
}
