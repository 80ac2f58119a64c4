import type { Server } from 'node:net'
import type { OrderDone } from './file-orders.ts'
import { type WorkerSettings, workerReady } from './file-workers.ts'
import { startRelay } from './relay.ts'

// The program of a file worker (boot/file-workers.ts): it lives as long as the server that started it, and no signal to a
// terminal's whole group ends it before that.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})

let stop: () => void = () => process.exit()
process.once('disconnect', () => stop())
process.once('message', (settings: WorkerSettings, listening: Server) => {
  stop = startRelay(settings, listening, (done: OrderDone) => process.send?.(done)).stop
})
// The server may have ended while this was loaded.
if (process.connected) process.send?.(workerReady)
else stop()
