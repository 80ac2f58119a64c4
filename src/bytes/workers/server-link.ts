// A file worker's side of its IPC channel: questions to the server, and reports. Called by server/file-worker.ts.
import { LRUCache } from 'lru-cache'
import { inTime } from '../../lib/time/in-time.ts'
import type { FileFault, FileStatus } from '../../model/catalog.ts'
import type { BeginDownload, BegunDownload, Download, Sent } from '../send/downloads.ts'
import type { RateLimit } from '../send/send-bytes.ts'
import type { FileEvent, FromWorker, ToWorker } from './messages.ts'

/** If the server does not answer in this time, the worker decides alone. */
const answerMs = 2000
/** The same, for questions after one without an answer. */
const silentAnswerMs = 100
/** With the server's own cache, damage is known within a second. */
const statusKeptMs = 250
const maxStatuses = 8192
/** Running downloads are shown to people. */
const movedEveryMs = 1000
const maxMessagesPerBatch = 1000
/** Batches that the server has not read. */
const maxUnreadBatches = 16
/** Above this number of waiting messages, reports about small downloads, requests and events are dropped. */
const maxWaitingMessages = 50_000
const busyRetrySeconds = 5

/** The dependencies of a worker that are in the server. */
export type ServerLink = {
  begin: BeginDownload
  findFileStatus: (sha256: string) => Promise<FileStatus | undefined>
  recordDamage: (sha256: string, fault: FileFault) => Promise<void>
  recordEvent: (event: FileEvent) => void
  countRequest: (route: string, status: number, seconds: number) => void
  listening: () => void
  /** Takes a message from the server. */
  receive: (message: ToWorker) => void
}

/**
 * @param settings.maxTransfers the downloads that this worker admits while the server does not answer
 * @param send sends a batch, and calls `read` when the channel has taken it
 * @param dropped called with the number of reports that were dropped
 */
export function createServerLink(
  settings: { maxTransfers: number; rateLimit: RateLimit },
  send: (batch: FromWorker[], read: () => void) => void,
  dropped: (count: number) => void,
): ServerLink {
  const report = createOutbox(send, dropped)
  const answers = new Map<number, (message: ToWorker) => void>()
  const downloads = new Map<number, () => void>()
  const moved = createMovedReports(report)
  let lastId = 0
  let isSilent = false

  const ask = (question: Extract<FromWorker, { kind: 'status' | 'begin' }>): Promise<ToWorker | undefined> => {
    const answer = new Promise<ToWorker>((resolve) => answers.set(question.id, resolve))
    report(question)
    return inTime(answer, isSilent ? silentAnswerMs : answerMs)
      .then((message) => {
        isSilent = message === undefined
        return message
      })
      .finally(() => answers.delete(question.id))
  }
  const statuses = new LRUCache<string, { status: FileStatus | undefined }>({
    max: maxStatuses,
    ttl: statusKeptMs,
    fetchMethod: async (sha256, last) => {
      const answer = await ask({ kind: 'status', id: ++lastId, sha256 })
      return answer?.kind === 'status' ? { status: answer.status } : (last ?? { status: undefined })
    },
  })

  const beginSmall = (download: Download): BegunDownload => ({
    rateLimit: () => undefined,
    moved: () => {},
    ended: (result) => report({ kind: 'small', download, result }),
  })
  const begin = async (download: Download, disconnect: () => void) => {
    const id = ++lastId
    const ended = (result: Sent) => {
      downloads.delete(id)
      moved.forget(id)
      report({ kind: 'ended', id, result })
    }
    const mayBeginAlone = downloads.size < settings.maxTransfers
    downloads.set(id, disconnect)
    const answer = await ask({ kind: 'begin', id, download })
    const isRefused = answer?.kind === 'begun' && answer.retryAfterSeconds !== undefined
    if (isRefused || (answer === undefined && !mayBeginAlone)) {
      // The server may still admit the download, so it hears of the end.
      ended({ bytes: 0, complete: false, durationMs: 0 })
      return { retryAfterSeconds: (isRefused ? answer.retryAfterSeconds : undefined) ?? busyRetrySeconds }
    }
    return { rateLimit: settings.rateLimit, moved: (bytes: number) => moved.add(id, bytes), ended }
  }

  return {
    begin: (download, disconnect) => (download.isSmall ? beginSmall(download) : begin(download, disconnect)),
    findFileStatus: async (sha256) => (await statuses.fetch(sha256))?.status,
    recordDamage: async (sha256, fault) => {
      statuses.delete(sha256)
      report({ kind: 'damage', sha256, fault })
    },
    recordEvent: (event) => report({ kind: 'event', event }),
    countRequest: (route, status, seconds) => report({ kind: 'request', route, status, seconds }),
    listening: () => report({ kind: 'listening' }),
    receive: (message) => {
      isSilent = false
      if (message.kind === 'disconnect') downloads.get(message.id)?.()
      else answers.get(message.id)?.(message)
    },
  }
}

/** Sums the bytes that moved, and reports them at most once a second. */
function createMovedReports(report: (message: FromWorker) => void) {
  const unreported = new Map<number, number>()
  let timer: NodeJS.Timeout | undefined
  const reportAll = () => {
    timer = undefined
    for (const [id, bytes] of unreported) report({ kind: 'moved', id, bytes })
    unreported.clear()
  }
  return {
    add: (id: number, bytes: number) => {
      unreported.set(id, (unreported.get(id) ?? 0) + bytes)
      if (timer === undefined) timer = setTimeout(reportAll, movedEveryMs).unref()
    },
    forget: (id: number) => unreported.delete(id),
  }
}

const droppable = new Set<FromWorker['kind']>(['small', 'request', 'event', 'moved'])

/** Collects messages and sends them in batches, at most one in a turn of the event loop. */
function createOutbox(
  send: (batch: FromWorker[], read: () => void) => void,
  dropped: (count: number) => void,
): (message: FromWorker) => void {
  let waiting: FromWorker[] = []
  let unread = 0
  let droppedCount = 0
  let isScheduled = false
  const schedule = () => {
    if (isScheduled || waiting.length === 0 || unread >= maxUnreadBatches) return
    isScheduled = true
    setImmediate(flush)
  }
  const flush = () => {
    isScheduled = false
    unread += 1
    const batch = waiting.slice(0, maxMessagesPerBatch)
    waiting = waiting.slice(batch.length)
    send(batch, () => {
      unread -= 1
      if (droppedCount > 0) dropped(droppedCount)
      droppedCount = 0
      schedule()
    })
    schedule()
  }
  return (message) => {
    if (waiting.length >= maxWaitingMessages && droppable.has(message.kind)) droppedCount += 1
    else waiting.push(message)
    schedule()
  }
}
