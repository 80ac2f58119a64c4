// Writes batches, and puts records aside that the database refuses. Called by writer.ts.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../../../db/open.ts'
import { InputError, messageOf } from '../../../lib/errors.ts'
import type { Logger } from '../../../lib/log.ts'
import type { Hearers } from '../../boots/hearers.ts'
import type { JournalFiles, JournalRun } from '../files.ts'
import type { PlacedRecord } from '../records.ts'
import { createRunClock, type RunClock } from '../run-clock.ts'
import { type Batch, firstBatch } from './batches.ts'
import { type AfterCommit, skipRecord, writeBatch } from './write-batch.ts'

/** The batch is in the database; or the position of the run is not the expected one. */
export type BatchResult = AfterCommit | 'moved'

/** Attempts of a batch that another transaction stopped. */
const maxRaces = 5

/**
 * Writes a batch of a run that begins at `from`. If the database refuses the batch, its records are written one by one, and a
 * record that is refused alone is put aside. Throws the other faults, for example an outage.
 */
export function createBatchWriter(db: Db, files: JournalFiles, log: Logger, hearers: Hearers) {
  const clocks = new Map<string, RunClock>()
  const clockOf = ({ run, now }: JournalRun) => {
    const clock = clocks.get(run) ?? createRunClock(now)
    clocks.set(run, clock)
    return clock
  }
  const write = async (source: JournalRun, from: number, batch: Batch): Promise<BatchResult> => {
    try {
      const at = { run: source.run, from, clock: clockOf(source) }
      const after = await raced(() => writeBatch(db, at, batch, hearers))
      return after === undefined ? 'moved' : quiet(after)
    } catch (error) {
      if (!isOfRecord(error)) throw error
      const [record] = batch.records
      return batch.records.length === 1 && record !== undefined
        ? putAside(source, from, record, error)
        : writeEach(source, from, batch)
    }
  }
  const writeEach = async (source: JournalRun, from: number, { records }: Batch): Promise<BatchResult> => {
    let position = from
    for (const record of records) {
      const result = await write(
        source,
        position,
        firstBatch([record], () => undefined),
      )
      if (result === 'moved') return result
      position = record.end
      await result()
    }
    return async () => {}
  }
  const putAside = async (
    source: JournalRun,
    from: number,
    { text, end, keys }: PlacedRecord,
    error: unknown,
  ): Promise<BatchResult> => {
    const fields = { record: keys.record, boot: keys.boot, error: messageOf(error) }
    log.error(fields, 'a record of the journal was refused by the database: see refused.jsonl in the journal folder')
    await files
      .putAside(text)
      .catch((fault: unknown) => log.error({ error: messageOf(fault) }, 'refused.jsonl was not written'))
    return (await skipRecord(db, source.run, from, end)) ? async () => {} : 'moved'
  }
  /** The records are committed, so a failure afterwards must not repeat them. */
  const quiet = (after: AfterCommit) => () =>
    after().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'work after a batch of the journal failed'))
  return write
}

/** Repeats a transaction that another one stopped: a deadlock, or a row that was made or deleted at the same moment. */
async function raced<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= maxRaces || !stateMatches(error, raceStates)) throw error
      await sleep(Math.random() * 20 * attempt)
    }
  }
}

// SQLSTATE: serialization failure, deadlock, a unique key, a foreign key (PostgreSQL manual, appendix A).
const raceStates = /^(40001|40P01|23505|23503)$/
// Cardinality, data, integrity, a limit of the program, a raised exception, an internal error.
const recordStates = /^(21|22|23|54|P0|XX)/

/** Whether a record can be the cause. Otherwise the database is not usable at present, and the records wait. */
function isOfRecord(error: unknown): boolean {
  const isProgram = error instanceof InputError || error instanceof SyntaxError || error instanceof TypeError
  return isProgram || error instanceof RangeError || stateMatches(error, recordStates)
}

function stateMatches(error: unknown, states: RegExp): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (typeof code === 'string' && code.length === 5 && states.test(code)) return true
  return cause !== undefined && cause !== error && stateMatches(cause, states)
}
