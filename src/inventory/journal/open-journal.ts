// The journal of a server: boots, events and reports on their way to the database. Called by inventory/open.ts.
import { validate as isUuid } from 'uuid'
import type { Db } from '../../db/open.ts'
import type { Logger } from '../../lib/log.ts'
import { inTime } from '../../lib/time/in-time.ts'
import { createQuota } from '../../lib/time/quota.ts'
import type { BootEvent } from '../../model/boot.ts'
import { eventRecordOf, storable } from '../boots/events.ts'
import type { Hearers } from '../boots/hearers.ts'
import { bootRecordOf, type NewBoot } from '../boots/open-boot.ts'
import type { JournalFiles } from './files.ts'
import type { LocalEffects } from './local-effects.ts'
import { formatRecord, type RecordKind } from './records.ts'
import type {
  ClaimRecord,
  ConflictRecord,
  DiscoveredRecord,
  NoticeRecord,
  ReportRecord,
} from './writing/write-batch.ts'
import { startWriter } from './writing/writer.ts'

/** Records what is seen of boots. `flush` waits until earlier events are written, or until the database is unreachable. */
export type BootEventRecorder = {
  /**
   * Records an event; never throws and never waits. For DHCP give `stage: 'dhcp'`, the MAC, and the address that the packet
   * shows, or `noAddress`: of a REQUEST option 50, of a request to port 4011 its source. Such an event ties address and MAC.
   * `agoMs`: how long ago it happened, if another thread saw it. A boot that began meanwhile takes it over.
   */
  record: (event: Omit<BootEvent, 'at'>, agoMs?: number) => void
  flush: () => Promise<void>
  /** The number of records that wait for the database. */
  waiting: () => number
}

/**
 * Where a record is. `written`: in the database. `kept`: in a file that an end of the process does not lose; a kept report also
 * survives a power cut. `refused`: nowhere, because the journal is full or cannot be written.
 */
export type Recorded = 'written' | 'kept' | 'refused'

/** The fields of records that update machines. */
type MachineRecords = {
  discovered: DiscoveredRecord
  claim: ClaimRecord
  conflict: ConflictRecord
  seen: { machine_id: string; remembered: unknown }
  notice: NoticeRecord
}

/** For health and metrics. */
export type JournalState = {
  /** Bytes that wait for the database, those of former starts included. */
  waitingBytes: number
  /** The database is unreachable, as of the last attempt to write. */
  isAway: boolean
  /** Why files cannot be written. */
  fault: string | undefined
  /** The last record was refused. */
  isRefusing: boolean
  /** The number of records that were refused since the start. */
  refused: number
}

export type Journal = {
  events: BootEventRecorder
  /** Records a boot before its script is sent. If it installs, waits for the database for a moment, because another server may get its reports. */
  openBoot: (boot: NewBoot) => Promise<Recorded>
  /** Records a report. Resolves when the report is durable. */
  recordReport: (report: ReportRecord) => Promise<Recorded>
  /** Records what a request shows about machines; never throws and never waits. */
  note: <Kind extends keyof MachineRecords>(kind: Kind, fields: MachineRecords[Kind]) => void
  /**
   * Waits, at most this time, for records that the roster does not know: those of former starts, and reports for boots that this
   * server has never seen. If the database is unreachable, does not wait.
   */
  settleUnknown: (timeoutMs: number) => Promise<void> | undefined
  /** How much of the present run is in the database. */
  place: () => { run: string; end: number }
  /** Waits until everything so far is in the database, at most this time. */
  settle: (timeoutMs: number) => Promise<void>
  /** Waits until all records of a boot so far are in the database, at most this time. */
  settleBoot: (bootId: string, timeoutMs: number) => Promise<void>
  state: () => JournalState
  /** Records of former starts, or of an outage, are not in the database yet. */
  isBehind: () => boolean
  /** Writes for some seconds, and closes the files. The next start writes what is left. */
  stop: () => Promise<void>
}

/** A flood of DISCOVERs has a new MAC in each packet, so only their number in a minute can be limited. */
export const maxDhcpEventsPerMinute = 10_000
const stopMs = 5000
const maxLateMs = 30_000
/** More records than this wait only during and after an outage, or in a storm. */
const maxUsualRecords = 1000
/** The time for a report that is only in memory. */
const memoryWaitMs = 5000

type JournalOptions = Pick<Hearers, 'metrics'> & {
  /** How long an answer waits for the database. */
  waitMs?: number
  /** The effects on the roster of this server. */
  effects?: LocalEffects
  /** The writer begins after this. */
  before?: Promise<void>
}

/** Opens the journal of a server, and begins to write it into the database. */
export function openJournal(
  db: Db,
  files: JournalFiles,
  log: Logger,
  { waitMs = 300, effects, before, metrics }: JournalOptions = {},
): Journal {
  const writer = startWriter(db, files, log, {
    ...(effects !== undefined && { moved: effects.moved }),
    ...{ log, onWritten: (n: number) => effects?.written(n), onFormerWritten: () => effects?.formerWritten() },
    ...(metrics !== undefined && { metrics }),
    ...(before !== undefined && { before }),
  })
  const { run } = files
  let count = 0
  let taken = -1
  let last: Promise<unknown> = Promise.resolve()
  let end = 0
  let refused = 0
  let isRefusing = false
  let blindEnd = 0
  // Where the last record of each boot ends, for records that are not in the database. The oldest come first.
  const ends = new Map<string, number>()
  const hasRoomForDhcp = createQuota({
    max: maxDhcpEventsPerMinute,
    periodMs: 60_000,
    atFirst: () => log.warn({ maxPerMinute: maxDhcpEventsPerMinute }, 'DHCP events dropped: too many in this minute'),
  })

  const remember = (boot: string, placeEnd: number) => {
    ends.delete(boot)
    ends.set(boot, placeEnd)
    for (const [id, recordEnd] of ends) {
      if (recordEnd > writer.settled()) break
      ends.delete(id)
    }
  }
  const add = (kind: RecordKind, fields: Parameters<typeof formatRecord>[3], agoMs = 0) => {
    const { text, keys } = formatRecord(kind, count++, run.now() - agoMs, fields)
    const adding = run.append(text, keys).then((place) => {
      if (place === undefined) {
        refused += 1
        if (!isRefusing)
          log.error(
            { record: kind, fault: run.fault() },
            'the journal is full or cannot be written, records are refused',
          )
      } else {
        taken = keys.n
        end = place.end
        if (keys.boot !== undefined) remember(keys.boot, place.end)
        writer.wake()
        if (isRefusing) log.info({ refused }, 'the journal takes records')
      }
      isRefusing = place === undefined
      return place && { ...place, n: keys.n }
    })
    last = adding
    return adding
  }
  const isFormerWritten = () => files.former.length === 0 || writer.isFormerWritten()
  const isLong = () => taken - writer.lastWritten() > maxUsualRecords
  const committed = (place: { end: number }, timeoutMs: number) => inTime(writer.committed(place.end), timeoutMs)
  const flush = async () => {
    await last
    await writer.committed(end)
  }

  return {
    events: {
      record: (event, agoMs = 0) => {
        if (event.bootId !== undefined && !isUuid(event.bootId)) return
        if (event.stage === 'dhcp' && !hasRoomForDhcp()) return
        // A clock that was set in the meantime moves no event by more than the delay of a busy server.
        const late = Math.min(Math.max(0, agoMs), maxLateMs)
        const fields = { ...eventRecordOf(event), ...(late > 0 && { late: true }) }
        void add(event.bootId === undefined ? 'stray' : 'event', fields, late)
      },
      flush,
      waiting: () => Math.max(0, taken - writer.lastWritten()),
    },
    openBoot: async (boot) => {
      const record = bootRecordOf(boot)
      const place = await add('boot', record)
      if (place === undefined) return 'refused'
      effects?.opened(record, new Date())
      if (boot.decision.deployment === undefined) return 'kept'
      return (await committed(place, waitMs)) === true ? 'written' : 'kept'
    },
    recordReport: async ({ message, ...report }) => {
      const place = await add('report', { ...report, ...{ message: storable(message) } })
      if (place === undefined) return 'refused'
      // Also if the database has the report soon: an outage may begin before the roster asks for it.
      const isKnown = effects?.reported({ ...report, ...(message !== undefined && { message }) }, place.n)
      if ((await committed(place, place.stored ? waitMs : memoryWaitMs)) === true) return 'written'
      if (!place.stored || !(await run.sync())) return 'refused'
      if (isKnown === false) blindEnd = place.end
      return 'kept'
    },
    note: (kind, fields) => {
      if (kind === 'discovered') effects?.discovered(fields as DiscoveredRecord, new Date())
      if (kind === 'claim') effects?.claimed(fields as ClaimRecord)
      const text = 'message' in fields ? { message: storable(fields.message) } : {}
      void add(kind, { ...fields, ...text } as Parameters<typeof formatRecord>[3])
    },
    settleUnknown: (timeoutMs) => {
      const isSettled = isFormerWritten()
      if (isSettled && blindEnd <= writer.settled()) return undefined
      const waiting = isSettled ? writer.committed(blindEnd) : writer.formerWritten()
      return inTime(waiting, timeoutMs).then(() => undefined)
    },
    place: () => ({ run: run.run, end: writer.settled() }),
    settle: async (timeoutMs) => void (await inTime(flush(), timeoutMs)),
    settleBoot: async (bootId, timeoutMs) => {
      const recordEnd = ends.get(bootId) ?? 0
      if (recordEnd > writer.settled()) await inTime(writer.committed(recordEnd), timeoutMs)
    },
    state: () => ({
      waitingBytes: run.waitingBytes() + files.former.reduce((sum, former) => sum + former.waitingBytes(), 0),
      isAway: writer.isAway(),
      fault: run.fault(),
      isRefusing,
      refused,
    }),
    isBehind: () => writer.isAway() || !isFormerWritten() || isLong(),
    stop: async () => {
      await last
      await writer.stop(stopMs)
      await run.close()
    },
  }
}
