// The program of the embedded database's thread; start-engine.ts starts it.

import { parentPort, workerData } from 'node:worker_threads'
import { startLocalEngine } from './local-engine.ts'
import { serveEngine } from './serve-engine.ts'
import type { ThreadSettings } from './start-engine.ts'

const { folder, durable } = workerData as ThreadSettings
if (parentPort !== null) {
  const port = parentPort
  await serveEngine(
    port,
    () => startLocalEngine(folder, { durable }),
    () => port.close(),
  )
}
