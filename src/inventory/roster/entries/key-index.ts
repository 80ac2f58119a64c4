// Which machines have a key, and for which keys that is known in full. Used by entries.ts.
import { type Key, type KeyKind, keyKinds } from './keys.ts'

/** One id as it is, several in an array in their order: most keys have one machine. */
export type Ids = string | string[]

/** The order of two ids: negative if the first comes first. */
export type CompareIds = (a: string, b: string) => number

/** The order of ids as texts. */
export const byId: CompareIds = (a, b) => (a < b ? -1 : Number(a > b))

/**
 * Creates an index. After `track`, the index holds only some machines, and remembers of which keys it has all of them.
 * @param maxAbsent the limit of remembered keys that no machine has
 * @param compare the order of the machines of a key; a machine whose place in it changes must be removed before
 */
export function createKeyIndex(maxAbsent: number, compare: CompareIds = byId) {
  const maps = Object.fromEntries(keyKinds.map((kind) => [kind, new Map<string, Ids>()])) as Record<
    KeyKind,
    Map<string, Ids>
  >
  let isTracking = false
  // Only while tracking: keys with further machines that are not here, and keys that no machine has.
  const partial = new Set<string>()
  const absent = new Set<string>()
  const nameOf = ([kind, value]: Key) => `${kind} ${value}`

  const addAbsent = (name: string) => {
    absent.add(name)
    if (absent.size <= maxAbsent) return
    const [oldest = ''] = absent
    absent.delete(oldest)
  }
  return {
    /** The ids of the machines with a key, in order. */
    find: ([kind, value]: Key): readonly string[] => listOf(maps[kind].get(value)),
    add: (key: Key, id: string) => {
      const isNew = addId(maps[key[0]], key[1], id, compare)
      if (isTracking && isNew && !absent.delete(nameOf(key))) partial.add(nameOf(key))
    },
    /** Removes the id of a machine that no longer has the key. */
    remove: (key: Key, id: string) => {
      const isEmpty = removeId(maps[key[0]], key[1], id, compare)
      if (isTracking && isEmpty && !partial.delete(nameOf(key))) addAbsent(nameOf(key))
    },
    /** Removes the id of a machine that still has the key, but is evicted. */
    evict: (key: Key, id: string) => {
      const isEmpty = removeId(maps[key[0]], key[1], id, compare)
      if (isEmpty) partial.delete(nameOf(key))
      else partial.add(nameOf(key))
    },
    /** Whether all machines with the key are here. */
    isWhole: (key: Key): boolean => {
      if (!isTracking) return true
      const name = nameOf(key)
      return maps[key[0]].has(key[1]) ? !partial.has(name) : absent.has(name)
    },
    /** All machines with this key are here now. */
    setWhole: (key: Key) => {
      if (!isTracking) return
      partial.delete(nameOf(key))
      if (!maps[key[0]].has(key[1])) addAbsent(nameOf(key))
    },
    /** From now on some machines are missing. The keys of the present machines remain known in full. */
    track: () => {
      isTracking = true
    },
    /** Empties the index. */
    clear: () => {
      for (const map of Object.values(maps)) map.clear()
      partial.clear()
      absent.clear()
      isTracking = false
    },
  }
}

/** The ids of a value of a map. */
export function listOf(ids: Ids | undefined): readonly string[] {
  return ids === undefined ? [] : typeof ids === 'string' ? [ids] : ids
}

/** Adds an id to a value of a map. True if the value is new. */
export function addId(map: Map<string, Ids>, value: string, id: string, compare = byId): boolean {
  const ids = map.get(value)
  if (ids === undefined) map.set(value, id)
  else if (typeof ids !== 'string') {
    const place = placeOf(ids, id, compare)
    if (ids[place] !== id) ids.splice(place, 0, id)
  } else if (ids !== id) map.set(value, compare(ids, id) < 0 ? [ids, id] : [id, ids])
  return ids === undefined
}

/** Removes an id from a value of a map. True if the value has no ids now. */
export function removeId(map: Map<string, Ids>, value: string, id: string, compare = byId): boolean {
  const ids = map.get(value)
  if (ids === undefined) return true
  if (typeof ids !== 'string') {
    const place = placeOf(ids, id, compare)
    if (ids[place] === id) ids.splice(place, 1)
    if (ids.length === 1) map.set(value, ids[0] as string)
    return false
  }
  if (ids === id) map.delete(value)
  return ids === id
}

/** The place of an id in an ordered list, or the place where it belongs. */
function placeOf(ids: string[], id: string, compare: CompareIds): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compare(ids[middle] as string, id) < 0) low = middle + 1
    else high = middle
  }
  return low
}
