// The journal of a server, for tests: real files in a folder of its own, and a real writer.
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openJournalFiles } from '../../src/bytes/journal/open-journal.ts'
import { startRun } from '../../src/bytes/journal/run.ts'
import type { Db } from '../../src/db/open.ts'
import type { JournalFiles } from '../../src/inventory/journal/files.ts'
import { type BootEventRecorder, openJournal } from '../../src/inventory/journal/open-journal.ts'
import type { RecordKeys } from '../../src/inventory/journal/records.ts'
import { newId } from '../../src/lib/ids/uuid.ts'
import type { Logger } from '../../src/lib/log.ts'

/** The files of a journal in a folder. */
export function openTestFiles(folder: string, maxBytes = 2 ** 28): Promise<JournalFiles> {
  return openJournalFiles<RecordKeys>({ folder, maxBytes, retryMs: 1, onDamage: () => {} })
}

/** The files of a new journal in a new folder, without former runs. */
export function newTestFiles(): { files: JournalFiles; remove: () => Promise<void> } {
  const folder = mkdtempSync(join(tmpdir(), 'bootwright-journal-'))
  const run = startRun<RecordKeys>({ folder, run: newId(), ordinal: 1, maxBytes: 2 ** 28 })
  return {
    files: { run, former: [], putAside: async () => {} },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Records events as a server does. `stop` writes those that wait. */
export function startTestRecorder(db: Db, log: Logger): BootEventRecorder & { stop: () => Promise<void> } {
  const { files, remove } = newTestFiles()
  const journal = openJournal(db, files, log)
  return {
    ...journal.events,
    stop: async () => {
      await journal.events.flush()
      await journal.stop()
      await remove()
    },
  }
}
