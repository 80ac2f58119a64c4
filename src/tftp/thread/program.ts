// The program of the TFTP thread (start-thread.ts). It serves from memory, and reports to the server in batches.
import { parentPort, workerData } from 'node:worker_threads'
import { listenerUrl } from '../../lib/base-url.ts'
import { messageOf } from '../../lib/errors.ts'
import { subnetTest } from '../../lib/subnet.ts'
import { createBootstrap } from '../../render/bootstrap.ts'
import { type FindNbp, startTftp } from '../server.ts'
import { openLedger } from '../sockets/ledger.ts'
import { openNodeCarrier } from '../sockets/node-carrier.ts'
import { loadSystemCalls } from '../sockets/system-calls.ts'
import { openSystemSockets } from '../sockets/system-sockets.ts'
import type { FromThread, ThreadStart, ToThread } from './messages.ts'
import { createOutbox } from './outbox.ts'

const { settings, subnets, programs, bootstrap, openFiles, levels } = workerData as ThreadStart
const { boot, baseUrl } = bootstrap
const renderBootstrap = createBootstrap(bootstrap.templates, bootstrap.withoutServer)
const say = (message: FromThread) => parentPort?.postMessage(message)
const outbox = createOutbox((batch) => say({ kind: 'batch', batch }), levels)

const find: FindNbp = (name, localAddress) => {
  if (name !== 'autoexec.ipxe') return programs.get(name)
  const base = baseUrl ?? listenerUrl(boot, localAddress)
  return base === undefined ? undefined : Buffer.from(renderBootstrap(base))
}

try {
  const all = { ...settings, allows: subnetTest(subnets) }
  const calls = loadSystemCalls()
  const sockets = calls && openSystemSockets(calls, openLedger(openFiles))
  const openCarrier = sockets?.open ?? openNodeCarrier
  const server = await startTftp(all, find, outbox.record, outbox.log, outbox.metrics, openCarrier)
  parentPort?.on('message', async (message: ToThread) => {
    if (message.kind === 'batch-taken') return outbox.taken()
    await server.stop(message.timeoutMs)
    sockets?.close()
    outbox.flush()
    say({ kind: 'stopped' })
  })
  say({ kind: 'listening', port: server.port, addresses: server.addresses })
} catch (error) {
  say({ kind: 'failed', code: (error as NodeJS.ErrnoException).code, message: messageOf(error) })
}
