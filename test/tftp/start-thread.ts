import type { Worker } from 'node:worker_threads'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { readTemplates } from '../../src/server/templates.ts'
import type { TftpSettings, TftpTransferRecord } from '../../src/tftp/server.ts'
import { startTftpThread, type TftpThread } from '../../src/tftp/thread/start-thread.ts'

export type ServedByThread = {
  thread: TftpThread
  records: TftpTransferRecord[]
  /** The fields of log lines, with `msg` and `level`. */
  lines: Record<string, unknown>[]
  /** The threads that were started, the newest last. */
  workers: Worker[]
  /** Calls of metrics by name, and by the outcome of transfers that ended. */
  counts: Map<string, number>
}

/** The compiled thread on a free port of 127.0.0.1 with these files, stopped when the test ends. */
export async function serveByThread(
  files: Record<string, Buffer>,
  settings: Partial<Omit<TftpSettings, 'allows'>> & { subnets?: string[] } = {},
): Promise<ServedByThread> {
  const { subnets = [], ...changed } = settings
  const records: TftpTransferRecord[] = []
  const lines: Record<string, unknown>[] = []
  const workers: Worker[] = []
  const counts = new Map<string, number>()
  const count = (name: string, by = 1) => void counts.set(name, (counts.get(name) ?? 0) + by)
  const note = (worker: Worker) => void workers.push(worker)
  process.on('worker', note)
  const thread = await startTftpThread(
    {
      settings: {
        host: '127.0.0.1',
        port: 0,
        maxBlockSize: 65464,
        maxWindowSize: 64,
        maxTransfers: 1000,
        maxTransfersPerAddress: 1000,
        transferTimeoutMs: 60_000,
        singlePort: false,
        ...changed,
      },
      subnets,
      programs: new Map(Object.entries(files)),
      bootstrap: {
        templates: readTemplates(),
        withoutServer: 'local',
        baseUrl: undefined,
        boot: { address: '127.0.0.1', port: 8123 },
      },
      levels: ['debug', 'info', 'warn', 'error'],
    },
    {
      record: (record) => void records.push(record),
      log: pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) }),
      metrics: {
        transferStarted: () => count('started'),
        transferEnded: (_, outcome) => count(`ended ${outcome}`),
        transferRefused: () => count('refused'),
        transferBytes: (_, bytes) => count('bytes', bytes),
        tftpProbe: () => count('probes'),
        tftpRetransmissions: (packets) => count('retransmissions', packets),
      },
    },
  )
  onTestFinished(async () => {
    await thread.stop(0)
    process.off('worker', note)
  })
  return { thread, records, lines, workers, counts }
}
