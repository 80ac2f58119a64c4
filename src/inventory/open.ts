// The inventory's look-ups and records for boots. Look-ups share work between machines, and writers batch. The server
// opens one inventory for the boot listener and the admin API.
import type { Db } from '../db/open.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { startBootEventRecorder } from './boots/events.ts'
import { createOpenBoot } from './boots/open-boot.ts'
import { createRecordReport } from './boots/reports.ts'
import { createFindSituation } from './boots/situation.ts'
import { createFindFileStatus } from './images/files.ts'
import { createFindTreeFile } from './images/trees.ts'
import { startForeignServers } from './system/server-sightings.ts'

export type Inventory = ReturnType<typeof openInventory>

/**
 * Opens the inventory over a database. `close` writes the events and sightings that still wait.
 * @param settings.eventsDb where events are written in the background, if that has connections of its own
 * @param settings.fileStatusKeptMs how long the status of a file is cached
 */
export function openInventory(
  db: Db,
  log: Logger,
  { eventsDb = db, fileStatusKeptMs, metrics }: { eventsDb?: Db; fileStatusKeptMs?: number; metrics?: Metrics } = {},
) {
  const events = startBootEventRecorder(eventsDb, log, metrics)
  const foreignServers = startForeignServers(eventsDb, log)
  const hearers = { log, ...(metrics !== undefined && { metrics }) }
  return {
    /** Records what is seen of boots; never throws and never waits. */
    events,
    /** Everything that a decision about a machine depends on, in one look-up. */
    findSituation: createFindSituation(db),
    /** Opens the boot of a script, before the script is sent. */
    openBoot: createOpenBoot(db, hearers),
    /** Records what a machine reports with its boot's token. */
    recordReport: createRecordReport(db, hearers),
    /** The file at a path of an image's tree. */
    findTreeFile: createFindTreeFile(db),
    /** The recorded size of a file, and whether it is damaged. */
    findFileStatus: createFindFileStatus(db, fileStatusKeptMs === undefined ? {} : { keptMs: fileStatusKeptMs }),
    /** Notes a DHCP or boot server that is not this one; never throws and never waits. */
    noteServer: foreignServers.note,
    close: async () => {
      await foreignServers.stop()
      await events.stop()
    },
  }
}
