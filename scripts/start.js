// `npm start`: runs the server in the foreground, and starts it again when it dies of a fault, a few times.
// It ends with whoever started it: a signal to npm or to a shell, a closed terminal, or their death ends the server too.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { repository } from './setup/run.js'

const restartAfterMs = 1000
const maxRestarts = 5
const restartWindowMs = 10 * 60_000
const parentCheckMs = 1000

/** @type {import('node:child_process').ChildProcess} */
let server
let isEnding = false
/** @type {number[]} When the server was started again. */
let restarts = []

function startServer() {
  let hasServed = false
  server = spawn(process.execPath, [join(repository, 'dist/main.js'), 'serve'], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  server.once('message', () => {
    hasServed = true
  })
  server.once('exit', (code, signal) => {
    if (isEnding || code === 0) process.exit(code ?? 0)
    const now = Date.now()
    restarts = restarts.filter((at) => now - at < restartWindowMs)
    // A server that does not start at all would not do so the next time.
    if (!hasServed || restarts.length >= maxRestarts) process.exit(code ?? 1)
    restarts.push(now)
    console.error(`npm start: the server ended with ${signal ?? `exit code ${code}`}, starting it again`)
    setTimeout(() => (isEnding ? process.exit(1) : startServer()), restartAfterMs)
  })
}

// Closing the channel asks the server to end. A signal could come twice, as terminals send theirs to the whole group.
function end() {
  isEnding = true
  if (server.connected) server.disconnect()
  else if (server.exitCode !== null || server.signalCode !== null) process.exit(1)
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, end)
const parent = process.ppid
setInterval(() => process.ppid !== parent && !isEnding && end(), parentCheckMs)
startServer()
