// Starts the TFTP thread, replaces it if it ends, and stops it. Called by boot-tftp.ts.
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { messageOf } from '../../lib/errors.ts'
import { programDir } from '../../lib/program-dir.ts'
import type { TftpLog } from '../log.ts'
import type { TftpMetrics, TftpTransferRecord } from '../server.ts'
import { closeLeftFiles, createLedgerMemory } from '../sockets/ledger.ts'
import type { Batch, FromThread, ThreadStart, ToThread } from './messages.ts'

export type TftpThread = {
  addresses: string[]
  port: number
  /** Refuses new requests, waits for running transfers until the timeout, then aborts them with an error. */
  stop: (timeoutMs: number) => Promise<void>
}

/** What gets the reports of the thread. */
export type ThreadSink = {
  /** @param at when the transfer ended, in milliseconds since 1970 */
  record: (record: TftpTransferRecord, at: number) => void
  log: TftpLog
  metrics: TftpMetrics | undefined
}

// Node 20 cannot run TypeScript in a thread, so tests run the compiled program too.
const program = join(programDir, 'dist/tftp/thread/program.js')
/** A thousand transfers take about 10 MB of heap. The boot programs are outside this limit. */
const resourceLimits = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32 }
const firstRestartMs = 1000
const maxRestartMs = 30_000
/** The running time after which the pause before a restart is the first one again. */
const soundMs = 60_000
/** The time that a thread gets to report its end, besides the time for transfers. */
const endMs = 2000

/**
 * Starts the thread, and resolves once it listens. A thread that ends is logged and replaced.
 * @throws an error with the system's `code` if the port cannot be bound at the first start
 */
export async function startTftpThread(start: Omit<ThreadStart, 'openFiles'>, sink: ThreadSink): Promise<TftpThread> {
  let worker: Worker | undefined
  let timer: NodeJS.Timeout | undefined
  let restartMs = firstRestartMs
  let stopped: Promise<void> | undefined

  const launch = async (settings: ThreadStart['settings']) => {
    const openFiles = createLedgerMemory(settings.maxTransfers + 1)
    const workerData: ThreadStart = { ...start, settings, openFiles }
    const opened = new Worker(program, { workerData, resourceLimits, name: 'tftp' })
    worker = opened
    const active = createActive(sink.metrics)
    let fault: string | undefined
    opened.on('error', (error) => {
      fault = messageOf(error)
    })
    const listening = await new Promise<Extract<FromThread, { kind: 'listening' }>>((resolve, reject) => {
      opened.on('message', (message: FromThread) => {
        if (message.kind === 'listening') resolve(message)
        if (message.kind === 'failed') reject(Object.assign(new Error(message.message), { code: message.code }))
        if (message.kind === 'batch') {
          active.count(message.batch)
          deliver(message.batch, sink)
          send(opened, { kind: 'batch-taken' })
        }
      })
      opened.on('exit', (code) => {
        worker = undefined
        active.end()
        closeLeftFiles(openFiles)
        reject(new Error(fault ?? `the thread ended with code ${code}`))
      })
    }).catch(async (error) => {
      await opened.terminate()
      throw error
    })
    const since = performance.now()
    opened.once('exit', (code) => {
      if (stopped !== undefined) return
      if (performance.now() - since > soundMs) restartMs = firstRestartMs
      sink.log.error({ code, error: fault, restartMs }, 'TFTP thread ended, starting another')
      restart({ ...settings, port: listening.port })
    })
    return listening
  }
  const restart = (settings: ThreadStart['settings']) => {
    timer = setTimeout(() => {
      launch(settings).catch((error) => {
        if (stopped !== undefined) return
        sink.log.error({ error: messageOf(error), restartMs }, 'TFTP thread could not start, retrying')
        restart(settings)
      })
    }, restartMs)
    restartMs = Math.min(restartMs * 2, maxRestartMs)
  }

  const { port, addresses } = await launch(start.settings)
  return {
    port,
    addresses,
    stop: (timeoutMs) => {
      clearTimeout(timer)
      stopped ??= worker === undefined ? Promise.resolve() : stopWorker(worker, timeoutMs)
      return stopped
    },
  }
}

async function stopWorker(worker: Worker, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs + endMs)
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    worker.on('message', ({ kind }: FromThread) => kind === 'stopped' && end())
    worker.once('exit', end)
    send(worker, { kind: 'stop', timeoutMs })
  })
  await worker.terminate()
}

function send(worker: Worker, message: ToThread): void {
  worker.postMessage(message)
}

/** Hands a batch to the metrics, the log and the recorder, in order. */
function deliver({ counts, entries, dropped }: Batch, { record, log, metrics }: ThreadSink): void {
  for (let count = 0; count < counts.started; count++) metrics?.transferStarted('tftp')
  for (const [outcome, times] of counts.ended)
    for (let count = 0; count < times; count++) metrics?.transferEnded('tftp', outcome)
  for (let count = 0; count < counts.refused; count++) metrics?.transferRefused('tftp')
  for (let count = 0; count < counts.probes; count++) metrics?.tftpProbe()
  if (counts.retransmissions > 0) metrics?.tftpRetransmissions(counts.retransmissions)
  metrics?.transferBytes('tftp', counts.bytes)
  for (const entry of entries) {
    if ('line' in entry) log[entry.line.level](entry.line.fields, entry.line.text)
    else
      try {
        record(entry.record, entry.at)
      } catch (error) {
        log.error({ error: messageOf(error) }, 'TFTP transfer was not recorded')
      }
  }
  if (dropped > 0) log.warn({ dropped }, 'TFTP events and log lines were dropped, because the server was busy')
}

/** Counts the running transfers of a thread, which end with the thread. */
function createActive(metrics: TftpMetrics | undefined) {
  let running = 0
  return {
    count: ({ counts }: Batch) => {
      running += counts.started - counts.ended.reduce((sum, [, count]) => sum + count, 0)
    },
    end: () => {
      for (; running > 0; running--) metrics?.transferEnded('tftp', 'aborted')
    },
  }
}
