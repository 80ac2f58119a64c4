// The file worker processes: starts, watches, replaces and stops them. Called by server/file-listener.ts.
import { type ChildProcess, fork, type SendHandle } from 'node:child_process'
import { once } from 'node:events'
import type { Logger } from '../../lib/log.ts'
import { inTime } from '../../lib/time/in-time.ts'
import type { StoreFolder } from '../store/folder-store.ts'
import type { FromWorker } from './messages.ts'
import { createWorkerLedger, type WorkerHost } from './worker-ledger.ts'

/** The settings of a worker, its share of each limit included. They are sent together with the socket of the file listener. */
export type WorkerSettings = {
  store: StoreFolder
  cacheBytes: number
  bytesPerSecond: number | undefined
  zeroCopy: boolean
  maxTransfers: number
  maxConnections: number
  maxPerAddress: number
  subnets: string[]
  trustedProxies: string[]
  log: { level: string; levelNames: boolean }
}

/** A worker's first message. Before it, the worker gets no socket: connections accepted while it loads would be lost. */
export const workerReady = 'ready'

const restartMs = 1000
/** A worker loads in less than a second. On a busy computer it may take longer. */
const startTimeoutMs = 30_000

/**
 * Starts processes that accept connections on a socket that they share, and send files. A worker that exits is replaced.
 * `started` resolves when a worker accepts connections, or after a timeout.
 * @param program the path of the worker program
 * @param socket a bound socket that this process does not listen on
 */
export function startFileWorkers(
  { count, program }: { count: number; program: string },
  settings: WorkerSettings,
  socket: SendHandle,
  host: WorkerHost,
  log: Logger,
): { started: Promise<void>; stop: () => Promise<void> } {
  const children = new Map<number, ChildProcess>()
  let stopped = false
  let listening = () => {}
  const first = new Promise<true>((resolve) => {
    listening = () => resolve(true)
  })

  const start = (worker: number) => {
    if (stopped) return
    const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    children.set(worker, child)
    // The callback takes the error of a channel that has closed.
    const ledger = createWorkerLedger(host, (message) => void child.send(message, () => {}))
    child.on('message', (message: typeof workerReady | FromWorker[]) => {
      if (message === workerReady) return void child.send(settings, socket, {}, () => {})
      if (message.some(({ kind }) => kind === 'listening')) listening()
      ledger.receive(message)
    })
    child.on('error', (error) => log.error({ worker, error: error.message }, 'file worker failed'))
    child.on('exit', (code, signal) => {
      ledger.lost()
      if (stopped) return
      log.error({ worker, code, signal }, 'file worker exited, starting another in 1 s')
      setTimeout(start, restartMs, worker).unref()
    })
  }
  for (let worker = 1; worker <= count; worker++) start(worker)

  return {
    started: inTime(first, startTimeoutMs).then((isListening) => {
      if (!isListening) log.error({ seconds: startTimeoutMs / 1000 }, 'no file worker accepts connections yet')
    }),
    stop: async () => {
      stopped = true
      const living = [...children.values()].filter((child) => child.exitCode === null && child.signalCode === null)
      const ended = living.map((child) => once(child, 'exit'))
      for (const child of living) if (child.connected) child.disconnect()
      await Promise.all(ended)
    },
  }
}
