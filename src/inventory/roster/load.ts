// Reads all machines into memory, in pages and in the background. Look-ups ask the database directly until then. Called by
// roster.ts.
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Db } from '../../db/open.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { hasMoreThan, pageOfEntries } from './entries/find-entries.ts'
import type { Memory } from './memory.ts'
import { listAnsweredBoots } from './read-boots.ts'

const pageSize = 500
const maxBoots = 20_000
const retryMs = 1000
const firstId = '00000000-0000-0000-0000-000000000000'

export type Loader = {
  /** Reads everything again. A reading that runs is given up. */
  restart: () => void
  /** Gives up a reading that runs. */
  cancel: () => void
  /** Resolves when no reading runs. */
  settled: () => Promise<void>
}

/**
 * Creates a loader. A page may be older than an answer that arrived after it was read: `memory.touched` has the machines whose
 * entries are newer than a page.
 */
export function createLoader(db: Db, memory: Memory, maxMachines: number, log: Logger): Loader {
  let current = 0
  let running: Promise<void> = Promise.resolve()

  const load = async (own: number) => {
    const isCurrent = () => own === current
    while (isCurrent()) {
      try {
        await loadOnce(isCurrent)
        return
      } catch (error) {
        if (!isCurrent()) return
        log.debug({ error: messageOf(error) }, 'the roster could not be read, retrying')
        await setTimeout(retryMs, undefined, { ref: false })
      }
    }
  }
  const loadOnce = async (isCurrent: () => boolean) => {
    const { entries, boots } = memory
    const startedAt = performance.now()
    const answered = await listAnsweredBoots(db, maxBoots)
    if (!isCurrent()) return
    boots.clearRecorded()
    await memory.addBoots(answered)
    if (await hasMoreThan(db, maxMachines)) return isCurrent() ? bound() : undefined
    const touched = new Set<string>()
    memory.touched = touched
    const seen = new Set<string>()
    for (let after = firstId; ; ) {
      const page = await pageOfEntries(db, after, pageSize)
      if (!isCurrent()) return
      for (const entry of page) {
        seen.add(entry.machine.id)
        if (!touched.has(entry.machine.id)) memory.put(entry)
      }
      // Machines were added meanwhile.
      if (seen.size > maxMachines || entries.isBounded()) return bound()
      const last = page.at(-1)
      if (last === undefined) break
      after = last.machine.id
      await setImmediate()
    }
    for (const id of [...entries.ids()]) if (!seen.has(id) && !touched.has(id)) entries.remove(id)
    memory.touched = undefined
    if (entries.isBounded()) return bound()
    memory.state = 'complete'
    memory.asOf = memory.answeredAt
    memory.changes += 1
    const ms = Math.round(performance.now() - startedAt)
    log.info({ machines: entries.size(), ms }, 'the roster has all machines in memory')
  }
  const bound = () => {
    memory.touched = undefined
    memory.entries.clear()
    memory.entries.bound()
    memory.state = 'bounded'
    memory.asOf = memory.answeredAt
    log.info({ maxMachines }, 'the roster has the machines in memory that were used last')
  }
  return {
    restart: () => {
      current += 1
      memory.touched = undefined
      if (memory.state !== 'empty') memory.state = 'old'
      const own = current
      running = running.then(() => load(own))
    },
    cancel: () => {
      current += 1
      memory.touched = undefined
    },
    settled: () => running,
  }
}
