// The processes that send files beside the server: started, watched, replaced, stopped.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { Logger } from '../../lib/log.ts'
import type { StoreFolder } from '../store/folder-store.ts'
import type { FileOrders, OrderDone } from './file-orders.ts'

/** What a worker is started with, beside the listening socket of the boot network. */
export type WorkerSettings = {
  worker: number
  store: StoreFolder
  /** Where requests that are not its own are passed on to. */
  relaySocket: string
  cacheBytes: number
  bytesPerSecond: number | undefined
  zeroCopy: boolean
}

/** A worker's first message. If it got the listening socket earlier, connections that it accepts while it loads would be lost. */
export const workerReady = 'ready'

const restartMs = 1000

/**
 * Processes that accept connections of the boot network beside this one, and send files. All that needs the inventory
 * they pass on to us; for a file we answer with an order to send it. One that dies is replaced.
 * @param program the path of the program that a worker runs
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
    child.on('message', (message: typeof workerReady | OrderDone) => {
      if (message !== workerReady) return orders.done(message)
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
