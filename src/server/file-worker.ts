// The program of a file worker (bytes/workers/file-workers.ts).
import type { Server } from 'node:net'
import type { OrderDone, OrdersMoved } from '../bytes/workers/file-orders.ts'
import { type WorkerSettings, workerReady } from '../bytes/workers/file-workers.ts'
import { startRelay } from '../bytes/workers/relay.ts'
import { boundServer } from './http/boot-http.ts'

// A worker ends with the server that started it. A terminal sends its signals to the whole process group, so the worker
// ignores them.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})

let stop: () => void = () => process.exit()
process.once('disconnect', () => stop())
process.once('message', (settings: WorkerSettings, listening: Server) => {
  stop = startRelay(boundServer, settings, listening, (report: OrderDone | OrdersMoved) => process.send?.(report)).stop
})
// The server may have ended while this program was loading.
if (process.connected) process.send?.(workerReady)
else stop()
