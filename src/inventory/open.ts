// The inventory's look-ups and records for boots. Look-ups share work between machines, and writers batch. The server
// opens one inventory for the boot listener and the admin API.
import type { Db } from '../db/open.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { createFindFileStatus } from './images/files.ts'
import { createFindTreeFile } from './images/trees.ts'
import { createRecordClaim } from './journal/claims.ts'
import type { JournalFiles } from './journal/files.ts'
import { createLocalEffects, type LocalEffects } from './journal/local-effects.ts'
import { type Journal, openJournal } from './journal/open-journal.ts'
import { createTokenBoots } from './journal/token-boots.ts'
import { defaultWaitMs, type FindSituation, openRoster, type Roster, type RosterOptions } from './roster/roster.ts'
import { startForeignServers } from './system/server-sightings.ts'

export type Inventory = ReturnType<typeof openInventory>

/** How long a decision waits for records that only the journal has, if the database answers, milliseconds. */
const settleMs = 3000

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
  const counting = metrics === undefined ? {} : { metrics }
  const { waitMs = defaultWaitMs } = rosterOptions
  // The roster may ask its first question before the journal is open.
  let opened: Journal | undefined
  const journalPlace = () => opened?.place()
  const roster = openRoster({ db, log, ...counting, ...rosterOptions, journalPlace })
  const effects = createLocalEffects(roster)
  let isReady = files.former.length === 0
  const ready = repeatFormer(roster, effects, files, log).finally(() => {
    isReady = true
  })
  const journal = openJournal(eventsDb, files, log, { ...counting, effects, before: ready, waitMs })
  opened = journal
  return {
    /** What decisions need, in memory. */
    roster,
    /** Records what is seen of boots; never throws and never waits. */
    events: journal.events,
    /** Records of boots, reports and machines on their way to the database. */
    journal,
    /** Everything that a decision about a machine depends on, in one look-up. */
    findSituation: (async (...asked) => {
      if (!isReady) await ready
      if (roster.away() === undefined) await journal.settleUnknown(settleMs)
      return roster.findSituation(...asked)
    }) satisfies FindSituation,
    /** The boots of tokens, their answer files and their secrets. */
    ...createTokenBoots(db, roster, journal, waitMs),
    /** Records a request that identified a machine without its MAC. */
    recordClaim: createRecordClaim(db, roster, journal, waitMs),
    /** The file at a path of an image's tree. */
    findTreeFile: createFindTreeFile(db, roster.variantsOf),
    /** The recorded size of a file, and whether it is damaged. */
    findFileStatus: createFindFileStatus(db, {
      ...(fileStatusKeptMs !== undefined && { keptMs: fileStatusKeptMs }),
      isAway: () => roster.away() !== undefined,
      damagedFile: roster.damagedFile,
    }),
    /** Notes a DHCP or boot server that is not this one; never throws and never waits. */
    noteServer: foreignServers.note,
    close: async () => {
      await foreignServers.stop()
      await journal.stop()
      await roster.close()
    },
  }
}

/** Reports of a former start may be only in its journal. Decisions wait until the roster knows them. */
async function repeatFormer(roster: Roster, effects: LocalEffects, files: JournalFiles, log: Logger): Promise<void> {
  if (files.former.length === 0) return
  const restoredTo = await roster.restored()
  await effects
    .repeat(files.former, restoredTo)
    .catch((error: unknown) => log.error({ error: messageOf(error) }, 'the journal of a former start cannot be read'))
}
