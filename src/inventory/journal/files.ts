// What the journal needs of its files (bytes/journal/), which the server opens. Called by open-journal.ts and writer.ts.
import type { RecordKeys } from './records.ts'

/** A record as it is read. `end`: the offset after it in its run. */
export type JournalEntry = { text: string; end: number; note?: RecordKeys }

/** The records of one start of a server, in their order. */
export type JournalRun = {
  run: string
  /** The offset of the first record that may be read. */
  first: () => number
  /** The present time in milliseconds, on the clock of the run. */
  now: () => number
  /** The next records after an offset, about `maxBytes` of them; empty at the end. */
  read: (from: number, maxBytes: number) => Promise<JournalEntry[]>
  /** Everything before an offset is in the database. */
  release: (before: number) => void
  /** Bytes that are not released. */
  waitingBytes: () => number
}

export type JournalFiles = {
  run: JournalRun & {
    /** Undefined if the record cannot be taken. `stored`: an end of the process does not lose it. */
    append: (text: string, note: RecordKeys) => Promise<{ end: number; stored: boolean } | undefined>
    /** Writes everything before the call to the disk. False if that failed. */
    sync: () => Promise<boolean>
    /** Why files cannot be written; undefined if they can. */
    fault: () => string | undefined
    close: () => Promise<void>
  }
  /** The runs of former starts, the oldest first. */
  former: JournalRun[]
  /** Puts a record aside that the database refuses. */
  putAside: (text: string) => Promise<void>
}
