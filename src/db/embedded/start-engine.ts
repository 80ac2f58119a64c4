// Starts engines of the embedded database; open-embedded.ts calls it.

import { join } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import { programDir } from '../../lib/program-dir.ts'
import { startLocalEngine } from './local-engine.ts'
import { connectEngine, type Engine } from './remote-engine.ts'
import { serveEngine } from './serve-engine.ts'

/** The thread's folder with the database. If `durable` is false, nothing is synced, and a power cut loses the last writes. */
export type ThreadSettings = { folder: string; durable: boolean }

// Node 20 cannot run TypeScript in a thread, so tests run the compiled program too.
const program = join(programDir, 'dist/db/embedded/thread.js')

/** Results live only until they are sent. V8's own limit is higher, and with 16 MB inserts seemed slower. */
const resourceLimits = { maxYoungGenerationSizeMb: 32 }

/** Starts an engine on a folder, in a thread of its own. @throws EngineError */
export function startEngine(settings: ThreadSettings): Promise<Engine> {
  // Options of Node.js such as --input-type are for the main program only.
  const execArgv = process.execArgv.filter((option) => option.startsWith('--cpu-prof'))
  const worker = new Worker(program, { workerData: settings, execArgv, resourceLimits, name: 'database' })
  return connectEngine({
    port: worker,
    onEnd: (hear) => {
      worker.on('error', (error) => hear(`its thread failed: ${error.message}`))
      worker.on('exit', (code) => hear(`its thread ended with code ${code}`))
    },
    end: async () => {
      await worker.terminate()
    },
  })
}

/** Starts an engine in memory with `contents`, in the caller's thread: tests start one for each file. @throws EngineError */
export function startInMemory(contents: Blob | undefined): Promise<Engine> {
  const { port1, port2 } = new MessageChannel()
  const close = () => port2.close()
  serveEngine(port2, () => startLocalEngine(undefined, { durable: false, contents }), close).catch(close)
  port2.unref()
  return connectEngine({
    port: port1,
    onEnd: (hear) => port1.on('close', () => hear('its port was closed')),
    end: async () => port1.close(),
  })
}
