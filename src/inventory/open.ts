// The inventory's look-ups and records for boots. Look-ups share work between machines, and writers batch. The server
// opens one inventory for the boot listener and the admin API.
import type { Db } from '../db/open.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { findAnsweredBoot, findTokenBoot } from './boots/answer-access.ts'
import { createFindFileStatus } from './images/files.ts'
import { createFindTreeFile } from './images/trees.ts'
import type { JournalFiles } from './journal/files.ts'
import { openJournal } from './journal/open-journal.ts'
import { openRoster, type RosterOptions } from './roster/roster.ts'
import { startForeignServers } from './system/server-sightings.ts'

export type Inventory = ReturnType<typeof openInventory>

type Tail<List extends unknown[]> = List extends [unknown, ...infer Others] ? Others : never

/** The longest wait of a look-up for records of this server that are not in the database yet, milliseconds. */
const settleMs = 300

/**
 * Opens the inventory over a database. `close` writes the records and sightings that still wait.
 * @param settings.eventsDb where the journal is written in the background, if that has connections of its own
 * @param settings.fileStatusKeptMs how long the status of a file is cached
 */
export function openInventory(
  db: Db,
  log: Logger,
  files: JournalFiles,
  {
    eventsDb = db,
    fileStatusKeptMs,
    metrics,
    roster: rosterOptions = {},
  }: {
    eventsDb?: Db
    fileStatusKeptMs?: number
    metrics?: Metrics
    roster?: Omit<RosterOptions, 'db' | 'log' | 'metrics'>
  } = {},
) {
  const foreignServers = startForeignServers(eventsDb, log)
  const journal = openJournal(eventsDb, files, log, metrics === undefined ? {} : { metrics })
  const roster = openRoster({ db, log, ...(metrics !== undefined && { metrics }), ...rosterOptions })
  return {
    /** What decisions need, in memory. */
    roster,
    /** Records what is seen of boots; never throws and never waits. */
    events: journal.events,
    /** Records of boots, reports and machines on their way to the database. */
    journal,
    /** Everything that a decision about a machine depends on, in one look-up. */
    findSituation: roster.findSituation,
    /** The boot that a genuine token opens. */
    findTokenBoot: async (bootId: string) => {
      await journal.settle(settleMs)
      return findTokenBoot(db, bootId)
    },
    /** The boot whose answer file a machine with a fixed URL gets. */
    findAnsweredBoot: async (...keys: Tail<Parameters<typeof findAnsweredBoot>>) => {
      await journal.settle(settleMs)
      return findAnsweredBoot(db, ...keys)
    },
    /** The file at a path of an image's tree. */
    findTreeFile: createFindTreeFile(db),
    /** The recorded size of a file, and whether it is damaged. */
    findFileStatus: createFindFileStatus(db, fileStatusKeptMs === undefined ? {} : { keptMs: fileStatusKeptMs }),
    /** Notes a DHCP or boot server that is not this one; never throws and never waits. */
    noteServer: foreignServers.note,
    close: async () => {
      await foreignServers.stop()
      await journal.stop()
      await roster.close()
    },
  }
}
