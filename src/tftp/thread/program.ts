// The program of the TFTP thread (start-thread.ts). It serves from memory, and reports to the server in batches.
import { parentPort, workerData } from 'node:worker_threads'
import { listenerUrl } from '../../lib/base-url.ts'
import { messageOf } from '../../lib/errors.ts'
import { subnetTest } from '../../lib/subnet.ts'
import { createScripts } from '../../render/scripts.ts'
import { type FindNbp, startTftp } from '../server.ts'
import type { FromThread, ThreadStart, ToThread } from './messages.ts'
import { createOutbox } from './outbox.ts'

const { settings, subnets, programs, bootstrap, debug } = workerData as ThreadStart
const { boot, baseUrl } = bootstrap
const scripts = createScripts(bootstrap.templates, bootstrap.withoutServer)
const say = (message: FromThread) => parentPort?.postMessage(message)
const outbox = createOutbox((batch) => say({ kind: 'batch', batch }), debug)

const find: FindNbp = (name, localAddress) => {
  if (name !== 'autoexec.ipxe') return programs.get(name)
  const base = baseUrl ?? listenerUrl(boot, localAddress)
  return base === undefined ? undefined : Buffer.from(scripts.bootstrap(base))
}

try {
  const all = { ...settings, allows: subnetTest(subnets) }
  const server = await startTftp(all, find, outbox.record, outbox.log, outbox.metrics)
  parentPort?.on('message', async (message: ToThread) => {
    if (message.kind === 'batch-taken') return outbox.taken()
    await server.stop(message.timeoutMs)
    outbox.flush()
    say({ kind: 'stopped' })
  })
  say({ kind: 'listening', port: server.port, addresses: server.addresses })
} catch (error) {
  say({ kind: 'failed', code: (error as NodeJS.ErrnoException).code, message: messageOf(error) })
}
