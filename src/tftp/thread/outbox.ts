// Collects events, log lines and counts for the server. Called by program.ts.
import type { TftpLog } from '../log.ts'
import type { TftpMetrics, TftpTransferRecord } from '../server.ts'
import type { Batch, LogLine } from './messages.ts'

export type Outbox = {
  record: (record: TftpTransferRecord) => void
  log: TftpLog
  metrics: TftpMetrics
  /** The server has taken a batch. */
  taken: () => void
  /** Sends what is left. */
  flush: () => void
}

/** A batch is sent this long after its first entry. */
const batchAfterMs = 25
/** The entries that wait while the server is busy: a few seconds of a storm. */
const maxEntries = 20_000

/**
 * Collects, and sends a batch at a time: the next one waits until the server has taken the last. So a busy server has at most
 * one batch in its queue, and the memory of the thread is bounded.
 */
export function createOutbox(send: (batch: Batch) => void, levels: LogLine['level'][]): Outbox {
  let batch = emptyBatch()
  let ended = new Map<string, number>()
  let isEmpty = true
  let isTaken = true
  let timer: NodeJS.Timeout | undefined

  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (isEmpty) return
    const full = { ...batch, counts: { ...batch.counts, ended: [...ended] } }
    batch = emptyBatch()
    ended = new Map()
    isEmpty = true
    isTaken = false
    send(full)
  }
  const schedule = () => {
    isEmpty = false
    if (isTaken) timer ??= setTimeout(flush, batchAfterMs)
  }
  const add = (entry: Batch['entries'][number]) => {
    if (batch.entries.length < maxEntries) batch.entries.push(entry)
    else batch.dropped += 1
    schedule()
  }
  const count = (name: 'started' | 'refused' | 'probes' | 'retransmissions' | 'bytes', by = 1) => {
    batch.counts[name] += by
    schedule()
  }
  const line = (level: LogLine['level']) =>
    levels.includes(level) ? (fields: object, text: string) => add({ line: { level, fields, text } }) : () => {}

  return {
    record: (record) => add({ record, at: Date.now() }),
    log: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
    metrics: {
      transferStarted: () => count('started'),
      transferEnded: (_, outcome) => {
        ended.set(outcome, (ended.get(outcome) ?? 0) + 1)
        schedule()
      },
      transferRefused: () => count('refused'),
      transferBytes: (_, bytes) => count('bytes', bytes),
      tftpProbe: () => count('probes'),
      tftpRetransmissions: (packets) => count('retransmissions', packets),
    },
    taken: () => {
      isTaken = true
      if (!isEmpty) schedule()
    },
    flush,
  }
}

function emptyBatch(): Batch {
  const counts = { started: 0, ended: [], refused: 0, probes: 0, retransmissions: 0, bytes: 0 }
  return { counts, entries: [], dropped: 0 }
}
