// The file worker processes: starts, watches, replaces and stops them.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { Logger } from '../../lib/log.ts'
import type { StoreFolder } from '../store/folder-store.ts'
import type { FileOrders, OrderDone, OrdersMoved } from './file-orders.ts'

/** The settings of a worker, sent together with the listening socket of the boot network. */
export type WorkerSettings = {
  worker: number
  store: StoreFolder
  /** The socket to which the worker forwards requests. */
  relaySocket: string
  cacheBytes: number
  bytesPerSecond: number | undefined
  zeroCopy: boolean
}

/** A worker's first message. Before it the worker gets no listening socket: connections accepted while it loads would be lost. */
export const workerReady = 'ready'

const restartMs = 1000

/**
 * Starts processes that also accept connections on the boot network, and send files. They forward every request to this
 * server, which answers a request for a file with an order to send it. A worker that exits is replaced.
 * @param program the path of the worker program
 */
export function startFileWorkers(
  { count, program }: { count: number; program: string },
  settings: Omit<WorkerSettings, 'worker'>,
  bootServer: Server,
  orders: FileOrders,
  log: Logger,
): { stop: () => Promise<void> } {
  const children = new Map<number, ChildProcess>()
  let stopped = false

  const start = (worker: number) => {
    if (stopped) return
    const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    children.set(worker, child)
    child.on('message', (message: typeof workerReady | OrderDone | OrdersMoved) => {
      if (message !== workerReady) return 'moved' in message ? orders.moved(message) : orders.done(message)
      const started: WorkerSettings = { worker, ...settings }
      child.send(started, bootServer)
    })
    child.on('error', (error) => log.error({ worker, error: error.message }, 'file worker failed'))
    child.on('exit', (code, signal) => {
      orders.lost(worker)
      if (stopped) return
      log.error({ worker, code, signal }, 'file worker exited, starting another in 1 s')
      setTimeout(start, restartMs, worker).unref()
    })
  }
  for (let worker = 1; worker <= count; worker++) start(worker)

  return {
    stop: async () => {
      stopped = true
      const living = [...children.values()].filter((child) => child.exitCode === null && child.signalCode === null)
      const ended = living.map((child) => once(child, 'exit'))
      for (const child of living) child.disconnect()
      await Promise.all(ended)
    },
  }
}
