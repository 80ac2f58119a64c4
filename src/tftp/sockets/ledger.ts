// The open files of a thread, in shared memory. Called by system-sockets.ts and thread/start-thread.ts.
import { closeSync } from 'node:fs'

/** Node closes the sockets of a thread that ends, but only those it opened. The others are written down here. */
export type Ledger = { add: (file: number) => void; remove: (file: number) => void }

/** Memory for a number of files. */
export function createLedgerMemory(maxFiles: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(maxFiles * 4))
}

/** Writes files down. A slot is 0 or the number of a file; a file without a free slot is not written down. */
export function openLedger(slots: Int32Array): Ledger {
  const free = Array.from(slots.keys())
  const slotOf = new Map<number, number>()
  return {
    add: (file) => {
      const slot = free.pop()
      if (slot === undefined) return
      slotOf.set(file, slot)
      slots[slot] = file
    },
    remove: (file) => {
      const slot = slotOf.get(file)
      if (slot === undefined) return
      slotOf.delete(file)
      slots[slot] = 0
      free.push(slot)
    },
  }
}

/** Closes the files that a thread left open. The thread must have ended. */
export function closeLeftFiles(slots: Int32Array): void {
  for (const [slot, file] of slots.entries()) {
    if (file === 0) continue
    slots[slot] = 0
    closeSync(file)
  }
}
