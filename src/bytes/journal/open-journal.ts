// Opens a folder of journals: a new run, and the runs of former starts. Called by the server.
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../../lib/folders.ts'
import { newId } from '../../lib/ids/uuid.ts'
import { type FormerRun, type OnDamage, openFormerRuns } from './former-runs.ts'
import { defaultKeptMs, type Run, type RunSettings, startRun } from './run.ts'

/** The journals of a server. */
export type JournalFiles<Note> = {
  run: Run<Note>
  /** Those of former starts that are left, the oldest first. */
  former: FormerRun[]
  /** Puts a text aside that the reader could not use. */
  putAside: (text: string) => Promise<void>
}

export type JournalSettings = Omit<RunSettings, 'run' | 'ordinal' | 'formerBytes'> & { onDamage: OnDamage }

/** A folder that cannot be made or read counts as empty: then records stay in memory until they are released. */
export async function openJournalFiles<Note>({ onDamage, ...settings }: JournalSettings): Promise<JournalFiles<Note>> {
  const { folder, onFault } = settings
  let former: FormerRun[] = []
  try {
    await makeFolder(folder)
    former = await openFormerRuns(folder, onDamage, settings.keptMs ?? defaultKeptMs)
  } catch (error) {
    onFault?.(error instanceof Error ? error.message : String(error))
  }
  const ordinal = Math.max(0, ...former.map((run) => run.ordinal)) + 1
  const formerBytes = () => former.reduce((sum, run) => sum + run.waitingBytes(), 0)
  return {
    run: startRun({ ...settings, run: newId(), ordinal, formerBytes }),
    former,
    putAside: (text) => appendFile(join(folder, 'refused.jsonl'), `${text}\n`, { mode: 0o600 }),
  }
}
