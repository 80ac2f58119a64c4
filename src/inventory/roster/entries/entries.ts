// The entries of the roster in memory: found by their keys, the least recently used evicted beyond a limit. Used by roster.ts.
import type { Entry } from './entry.ts'
import { addId, byId, type CompareIds, createKeyIndex, type Ids, listOf, removeId } from './key-index.ts'
import { type Key, keysOfEntry, maxOfEach, type RankedKey } from './keys.ts'
import { packEntry, unpackEntry } from './packed-entry.ts'

/** Creates an empty store of at most `max` entries. */
export function createEntries(max: number) {
  // The texts are in the order of use, but only while some machines are missing.
  const texts = new Map<string, string>()
  const hostnames = new Map<string, Ids>()
  const discovered = new Set<string>()
  // As in the statement of find-entries.ts: of the machines that share a key, the entered ones come first.
  const compare: CompareIds = (a, b) => Number(discovered.has(a)) - Number(discovered.has(b)) || byId(a, b)
  const index = createKeyIndex(max, compare)
  let isBounded = false

  const read = (id: string): Entry => unpackEntry(texts.get(id) as string)
  const forget = (entry: Entry, drop: (key: Key, id: string) => void) => {
    const { id, hostname } = entry.machine
    for (const key of keysOfEntry(entry)) drop(key, id)
    if (hostname !== undefined) removeId(hostnames, hostname, id)
    discovered.delete(id)
    texts.delete(id)
  }
  const remove = (id: string) => {
    if (texts.has(id)) forget(read(id), index.remove)
  }
  const bound = () => {
    isBounded = true
    index.track()
  }
  const put = (entry: Entry) => {
    const { id, hostname } = entry.machine
    const keys = keysOfEntry(entry)
    if (texts.has(id)) {
      const names = new Set(keys.map(([kind, value]) => `${kind} ${value}`))
      const before = read(id)
      const isMoved = before.machine.discovered !== entry.machine.discovered
      // Keys that stay are not touched, unless the machine gets another place among those that share them.
      for (const key of keysOfEntry(before)) if (isMoved || !names.has(`${key[0]} ${key[1]}`)) index.remove(key, id)
      const { hostname: old } = before.machine
      if (old !== undefined && old !== hostname) removeId(hostnames, old, id)
    }
    if (entry.machine.discovered) discovered.add(id)
    else discovered.delete(id)
    for (const key of keys) index.add(key, id)
    if (hostname !== undefined) addId(hostnames, hostname, id)
    texts.set(id, packEntry(entry))
    if (texts.size <= max) return
    if (!isBounded) bound()
    const [oldest = ''] = texts.keys()
    forget(read(oldest), index.evict)
  }

  const firstOf = ({ key, rank }: RankedKey): readonly string[] => {
    const ids = index.find(key)
    return rank === 1 ? ids : ids.slice(0, maxOfEach)
  }

  return {
    size: () => texts.size,
    isBounded: () => isBounded,
    bound,
    has: (id: string) => texts.has(id),
    get: (id: string): Entry | undefined => (texts.has(id) ? read(id) : undefined),
    put,
    remove,
    /** The entries with any of the keys, by rank and then by id. */
    find: (keys: RankedKey[]): Entry[] => {
      const ranks = new Map<string, number>()
      for (const ranked of keys) for (const id of firstOf(ranked)) if (!ranks.has(id)) ranks.set(id, ranked.rank)
      const found = [...ranks].sort(([a, ofA], [b, ofB]) => ofA - ofB || (a < b ? -1 : 1))
      return found.map(([id]) => {
        const text = texts.get(id) as string
        if (isBounded) {
          texts.delete(id)
          texts.set(id, text)
        }
        return unpackEntry(text)
      })
    },
    /** Whether all machines with these keys are here. */
    isWhole: (keys: RankedKey[]): boolean => !isBounded || keys.every(({ key }) => index.isWhole(key)),
    /** Whether an entry belongs here: it is here, or it has a key whose machines are all here. */
    belongs: (entry: Entry): boolean =>
      !isBounded || texts.has(entry.machine.id) || keysOfEntry(entry).some(index.isWhole),
    /** Stores what a look-up in the database found for the keys of a request. */
    putFound: (keys: RankedKey[], found: Entry[]) => {
      for (const entry of found) put(entry)
      for (const { key } of keys) {
        const count = found.filter((entry) =>
          keysOfEntry(entry).some(([kind, value]) => kind === key[0] && value === key[1]),
        )
        // A look-up finds at most this many machines of a key, so there may be more.
        if (count.length < maxOfEach && count.every(({ machine }) => texts.has(machine.id))) index.setWhole(key)
      }
    },
    /** The ids of the machines with a host name. */
    namesakesOf: (hostname: string): readonly string[] => listOf(hostnames.get(hostname)),
    ids: () => texts.keys(),
    texts: () => texts.values(),
    clear: () => {
      texts.clear()
      hostnames.clear()
      discovered.clear()
      index.clear()
      isBounded = false
    },
  }
}
