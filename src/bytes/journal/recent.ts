// The newest records of a run in memory, so that the reader seldom reads files. Called by run.ts.
import type { Entry } from './segments.ts'

export type Recent<Note> = {
  /** Adds the next record. False if it is in no file and memory is full. */
  add: (entry: Entry<Note>) => boolean
  /** Whether the record after this offset is here, or does not exist yet. */
  has: (from: number) => boolean
  read: (from: number, maxBytes: number) => Entry<Note>[]
  release: (before: number) => void
}

/** `maxLength` limits the texts together, in characters. A record that is in no file stays until it is released. */
export function createRecent<Note>(maxLength: number): Recent<Note> {
  let entries: Entry<Note>[] = []
  let start = 0
  let lastEnd = 0
  let length = 0

  const drop = (count: number) => {
    if (count === 0) return
    for (const entry of entries.slice(0, count)) length -= entry.text.length
    start = entries[count - 1]?.end ?? start
    entries = entries.slice(count)
  }
  /** Drops the oldest records that are in files, until this length is left. */
  const trim = (maxLeft: number) => {
    let count = 0
    for (let left = length; left > maxLeft && entries[count]?.stored; count++) left -= entries[count]?.text.length ?? 0
    drop(count)
  }
  return {
    add: (entry) => {
      if (!entry.stored) trim(maxLength - entry.text.length)
      if (!entry.stored && length + entry.text.length > maxLength) return false
      if (entries.length === 0) start = lastEnd
      entries.push(entry)
      lastEnd = entry.end
      length += entry.text.length
      if (length > maxLength) trim(maxLength * 0.75)
      return true
    },
    has: (from) => from >= start,
    read: (from, maxBytes) => {
      // The reader most often continues at the oldest entry.
      let first = 0
      while (first < entries.length && (entries[first]?.end ?? 0) <= from) first++
      let last = first
      for (let bytes = 0; last < entries.length && bytes < maxBytes; last++) bytes += entries[last]?.text.length ?? 0
      return entries.slice(first, last)
    },
    release: (before) => {
      let count = 0
      while (count < entries.length && (entries[count]?.end ?? 0) <= before) count++
      drop(count)
    },
  }
}
