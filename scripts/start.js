// `npm start`: runs the server in the foreground, and restarts it after a crash, at most five times in ten minutes.
// The server stops when npm or the shell gets a signal, when the terminal closes, and when the parent process ends.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { repository } from './setup/run.js'

const restartAfterMs = 1000
const maxRestarts = 5
const restartWindowMs = 10 * 60_000
const parentCheckMs = 1000

/** @type {import('node:child_process').ChildProcess} */
let server
let isStopping = false
/** @type {number[]} Times of the latest restarts, milliseconds since 1970. */
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
    if (isStopping || code === 0) process.exit(code ?? 0)
    const now = Date.now()
    restarts = restarts.filter((at) => now - at < restartWindowMs)
    // If the server never came up, a restart would fail in the same way.
    if (!hasServed || restarts.length >= maxRestarts) process.exit(code ?? 1)
    restarts.push(now)
    console.error(`npm start: the server ended with ${signal ?? `exit code ${code}`}, restarting`)
    setTimeout(() => (isStopping ? process.exit(1) : startServer()), restartAfterMs)
  })
}

// The server stops when this channel closes. A signal could reach it twice, because terminals signal the whole process group.
function stop() {
  isStopping = true
  if (server.connected) server.disconnect()
  else if (server.exitCode !== null || server.signalCode !== null) process.exit(1)
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, stop)
const parent = process.ppid
setInterval(() => process.ppid !== parent && !isStopping && stop(), parentCheckMs)
startServer()
