// The program of a file worker (bytes/workers/file-workers.ts): an HTTP server for stored files on a socket of the server.
import type { FileDeps } from '../boot/http/deps.ts'
import { createFileApp } from '../boot/http/file-app.ts'
import { createRateLimit } from '../bytes/send/admission.ts'
import { createSendMethods } from '../bytes/send/send-file.ts'
import { openStoredFile } from '../bytes/store/folder-store.ts'
import { type WorkerSettings, workerReady } from '../bytes/workers/file-workers.ts'
import type { FromWorker, ToWorker } from '../bytes/workers/messages.ts'
import { createServerLink } from '../bytes/workers/server-link.ts'
import { type Logger, openLog } from '../lib/log.ts'
import { proxyTest, subnetTest } from '../lib/subnet.ts'
import { createBootServer } from './http/boot-http.ts'

/** Time for running downloads to end after the server stops. */
const stopTimeoutMs = 5000

// A worker ends with the server that started it. A terminal sends its signals to the whole process group, so the worker
// ignores them.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})

let stop: () => void = () => process.exit()
process.once('disconnect', () => stop())
process.once('message', (settings: WorkerSettings, socket: object) => {
  const log = openLog(settings.log)
  const link = openLink(settings, log)
  const { maxConnections, maxPerAddress, trustedProxies } = settings
  const limits = { maxConnections, maxPerAddress, isShared: proxyTest(trustedProxies) }
  const server = createBootServer(createFileApp(depsOf(settings, link, log)), limits)
  server.on('error', (error) => {
    log.error({ error: error.message }, 'file worker cannot accept connections')
    process.exit(1)
  })
  server.listen(socket, 4096, () => link.listening())
  stop = () => {
    server.close(() => process.exit())
    server.closeIdleConnections()
    setTimeout(() => process.exit(), stopTimeoutMs).unref()
  }
})
// The server may have ended while this program was loading.
if (process.connected) process.send?.(workerReady)
else stop()

function openLink({ maxTransfers, bytesPerSecond }: WorkerSettings, log: Logger) {
  const link = createServerLink(
    { maxTransfers, rateLimit: createRateLimit(bytesPerSecond) },
    // The callback also takes the error of a channel that has closed.
    (batch: FromWorker[], read) => void process.send?.(batch, undefined, {}, read),
    (count) => log.warn({ count }, 'the server did not read the reports of a file worker, reports were dropped'),
  )
  process.on('message', (message: ToWorker) => link.receive(message))
  return link
}

function depsOf(settings: WorkerSettings, link: ReturnType<typeof openLink>, log: Logger): FileDeps {
  return {
    store: { open: (sha256) => openStoredFile(settings.store, sha256) },
    transfers: { methods: createSendMethods(settings), begin: link.begin },
    inventory: { findFileStatus: link.findFileStatus, events: { record: link.recordEvent } },
    recordDamage: link.recordDamage,
    metrics: { request: (_listener, route, status, seconds) => link.countRequest(route, status, seconds) },
    log,
    allows: subnetTest(settings.subnets),
    settings: { trustedProxies: settings.trustedProxies },
  }
}
