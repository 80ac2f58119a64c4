// Writes the journal into the database: one batch after the other, in the order of its records. Called by open-journal.ts.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../../../db/open.ts'
import { DiskFullError, findCause, messageOf } from '../../../lib/errors.ts'
import type { Logger } from '../../../lib/log.ts'
import { isOutage } from '../../../lib/outage.ts'
import { inTime } from '../../../lib/time/in-time.ts'
import type { Hearers } from '../../boots/hearers.ts'
import type { JournalFiles, JournalRun } from '../files.ts'
import { type PlacedRecord, parseKeys } from '../records.ts'
import { firstBatch } from './batches.ts'
import { createBootMachines } from './boot-machines.ts'
import { createPace } from './pace.ts'
import { openPosition } from './positions.ts'
import { createBatchWriter } from './refusals.ts'
import { createWaiters } from './waiters.ts'

export type JournalWriter = {
  /** The journal has a new record. */
  wake: () => void
  /**
   * Resolves with true when the records of the present run before an offset are in the database, and with false when the
   * database is unreachable.
   */
  committed: (end: number) => Promise<boolean>
  /** The offset up to which the present run is in the database. */
  settled: () => number
  isFormerWritten: () => boolean
  /** Resolves when the records of former runs are in the database, or when the database is unreachable. */
  formerWritten: () => Promise<unknown>
  /** The database is unreachable, as of the last attempt. */
  isAway: () => boolean
  /** The number of the last record of the present run that is in the database; -1 before the first. */
  lastWritten: () => number
  /** Writes for at most `timeoutMs`, then ends. The next start writes the remaining records. */
  stop: (timeoutMs: number) => Promise<void>
}

const readBytes = 2 * 2 ** 20
/** Records in memory below which more are read. */
const minRecords = 500
const retryMs = { min: 250, max: 2000 }

type WriterOptions = Hearers & {
  /** The writer begins after this. */
  before?: Promise<void>
  /** The records of the present run up to this number are in the database. */
  onWritten?: (n: number) => void
  /** The records of former runs are in the database. */
  onFormerWritten?: () => void
}

/** Starts to write the records of former runs, and then those of the present run. */
export function startWriter(
  db: Db,
  files: JournalFiles,
  log: Logger,
  { before, onWritten, onFormerWritten, ...hearers }: WriterOptions = {},
): JournalWriter {
  const machines = createBootMachines(db)
  const waiters = createWaiters()
  const formerWaiters = createWaiters()
  const pace = createPace()
  const writeRecords = createBatchWriter(db, files, log, hearers)
  let lastWritten = -1
  let isFormerWritten = false
  let isAway = false
  let isStopping = false
  let isAborted = false
  let isWoken = false
  let endPause = () => {}

  const giveUp = () => {
    waiters.giveUp()
    formerWaiters.giveUp()
  }
  const idle = async () => {
    if (!isWoken)
      await new Promise<void>((resolve) => {
        endPause = resolve
      })
    isWoken = false
  }
  /** Runs work until the database answers. Undefined if the writer is stopped before. */
  const persist = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    for (let attempt = 0; !isAborted; attempt++) {
      try {
        const result = await work()
        if (isAway) log.info('the database answers, writing the journal')
        isAway = false
        return result
      } catch (error) {
        if (!isOutage(error) && findCause(error, DiskFullError) === undefined) throw error
        if (!isAway) log.warn({ error: messageOf(error) }, 'the database is unreachable, the journal waits')
        isAway = true
        giveUp()
        if (isStopping) return undefined
        await sleep(Math.min(retryMs.min * 2 ** Math.min(attempt, 3), retryMs.max))
      }
    }
    return undefined
  }
  const positionOf = (source: JournalRun) => persist(() => openPosition(db, source.run, source.first()))

  const drain = async (source: JournalRun) => {
    const isPresent = source.run === files.run.run
    let list: PlacedRecord[] = []
    let position = await positionOf(source)
    let readTo = position ?? 0
    while (position !== undefined && !isAborted) {
      source.release(position)
      if (isPresent) waiters.settle(position)
      if (list.length < minRecords) {
        const entries = await source.read(readTo, readBytes)
        readTo = entries.at(-1)?.end ?? readTo
        list = [...list, ...entries.map(({ text, end, note }) => ({ text, end, keys: note ?? parseKeys(text) }))]
      }
      if (list.length === 0) {
        if (!isPresent) return source.release(Number.MAX_SAFE_INTEGER)
        if (isStopping) return
        await idle()
        continue
      }
      const from: number = position
      const begunAt = performance.now()
      const present = list
      const result = await persist(async () => {
        const batch = firstBatch(present, await machines.find(present))
        return { batch, written: await writeRecords(source, from, batch) }
      })
      if (result === undefined) return
      const { batch, written } = result
      if (written === 'moved') {
        // A commit whose answer was lost, or a database that is older after a failover: the row decides where to continue.
        position = await positionOf(source)
        readTo = position ?? 0
        list = []
        continue
      }
      position = batch.records.at(-1)?.end ?? from
      list = list.slice(batch.records.length)
      if (isPresent) {
        lastWritten = batch.records.at(-1)?.keys.n ?? lastWritten
        onWritten?.(lastWritten)
        waiters.settle(position)
      }
      await written()
      if (isPresent && !isStopping && waiters.isEmpty()) await pace.pause(performance.now() - begunAt, list.length > 0)
    }
  }

  const run = async () => {
    while (!isAborted) {
      try {
        for (const source of files.former) if (!isAborted) await drain(source)
        if (isAborted) return
        isFormerWritten = files.former.every((former) => former.waitingBytes() === 0)
        if (isFormerWritten) onFormerWritten?.()
        formerWaiters.settle(1)
        if (!isAborted) await drain(files.run)
        return
      } catch (error) {
        // A fault of the program or of the database must not end the writer: the records wait in their files.
        log.error({ error: messageOf(error) }, 'the journal could not be written, retrying in 2 s')
        giveUp()
        if (isStopping) return
        await sleep(retryMs.max)
      }
    }
  }
  const running = before === undefined ? run() : before.then(run)
  const wake = () => {
    isWoken = true
    endPause()
  }
  return {
    wake,
    committed: (end) => {
      if (isAway) return Promise.resolve(end <= waiters.settled())
      pace.hurry()
      return waiters.wait(end)
    },
    settled: waiters.settled,
    isFormerWritten: () => isFormerWritten,
    formerWritten: () => (isAway ? Promise.resolve() : formerWaiters.wait(1)),
    isAway: () => isAway,
    lastWritten: () => lastWritten,
    stop: async (timeoutMs) => {
      isStopping = true
      wake()
      pace.hurry()
      await inTime(running, timeoutMs)
      isAborted = true
      giveUp()
    },
  }
}
