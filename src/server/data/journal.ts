// Opens the files of the journal in the data folder. Called by data.ts.
import { openJournalFiles } from '../../bytes/journal/open-journal.ts'
import type { Config } from '../../config/config.ts'
import type { DataFolder } from '../../config/data-folder.ts'
import type { JournalFiles } from '../../inventory/journal/files.ts'
import type { RecordKeys } from '../../inventory/journal/records.ts'
import type { Logger } from '../../lib/log.ts'

/** A server starts although its folder cannot be used: records then stay in memory until the database has them. */
export function openJournalOf(
  { journal }: Config,
  { journal: folder }: DataFolder,
  log: Logger,
): Promise<JournalFiles> {
  return openJournalFiles<RecordKeys>({
    folder,
    maxBytes: journal.maxBytes,
    onFault: (fault) => {
      if (fault === undefined) log.info({ folder }, 'the journal is written to its folder again')
      else log.error({ folder, error: fault }, 'the journal cannot be written to its folder, records stay in memory')
    },
    onDamage: ({ file, bytes, torn }) => {
      if (torn) log.info({ file, bytes }, 'an incomplete record at the end of a journal was ignored')
      else log.error({ file, bytes }, 'damaged records of a journal were ignored')
    },
  })
}
