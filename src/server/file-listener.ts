// File HTTP: a listener for image files alone, in this process or in file workers. Called by boot-listener.ts.
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recordDownload } from '../boot/files.ts'
import type { FileDeps } from '../boot/http/deps.ts'
import { createFileApp } from '../boot/http/file-app.ts'
import type { Transfers } from '../bytes/send/send-file.ts'
import { startFileWorkers, type WorkerSettings } from '../bytes/workers/file-workers.ts'
import type { WorkerHost } from '../bytes/workers/worker-ledger.ts'
import type { Config } from '../config/config.ts'
import type { FilesFolder } from '../config/data-folder.ts'
import { listenerUrl } from '../lib/base-url.ts'
import type { Closers } from './closers.ts'
import { createBootServer } from './http/boot-http.ts'
import type { ConnectionLimits } from './http/connections.ts'
import { listen } from './http/listen.ts'
import { openSharedSocket } from './http/shared-socket.ts'

const setting = 'BOOTWRIGHT_FILE_LISTEN'
// The file extension is that of this file: .ts in tests, .js in the compiled program.
const workerProgram = fileURLToPath(new URL(`./file-worker${extname(import.meta.url)}`, import.meta.url))

/** Opens the file listener; undefined without BOOTWRIGHT_FILE_LISTEN. */
export async function openFileListener(
  config: Config,
  deps: FileDeps & { transfers: Transfers },
  folder: FilesFolder,
  limits: ConnectionLimits,
  closers: Closers,
): Promise<AddressInfo | undefined> {
  const { listen: place, workers } = config.sending
  if (place === undefined) return undefined
  if (workers === 0) return listen(createBootServer(createFileApp(deps), limits), place, setting, closers)
  const socket = await openSharedSocket(place, setting)
  closers.add(async () => socket.close())
  const processes = { count: workers, program: workerProgram }
  const settings = workerSettings(config, folder, limits)
  const { started, stop } = startFileWorkers(processes, settings, socket.handle, hostOf(deps), deps.log)
  closers.add(stop)
  await started
  return socket.address
}

/**
 * The base URL of files in a script. Without a file listener, it is the base URL of the script. A file listener on all addresses is
 * reached at the host of that URL.
 */
export function fileBaseOf({ sending }: Config, listener: AddressInfo | undefined): (base: string) => string {
  const { url } = sending
  return (base) => {
    if (url !== undefined || listener === undefined) return url ?? base
    return listenerUrl(listener, new URL(base).hostname)
  }
}

/** Each worker gets its share of the limits, and the server one too: it sends trees, boot programs and the files of old scripts. */
export function sendingShare({ sending }: Config) {
  const { cacheBytes, maxBytesPerSecond, sendfile, workers } = sending
  const processes = workers + 1
  return {
    cacheBytes: Math.floor(cacheBytes / processes),
    bytesPerSecond: maxBytesPerSecond === undefined ? undefined : maxBytesPerSecond / processes,
    zeroCopy: sendfile,
  }
}

function workerSettings(config: Config, folder: FilesFolder, limits: ConnectionLimits): WorkerSettings {
  const { boot, log, sending } = config
  const shareOf = (count: number) => Math.max(1, Math.floor(count / sending.workers))
  return {
    ...sendingShare(config),
    store: { folder: folder.folder, incoming: folder.incoming },
    maxTransfers: shareOf(sending.maxTransfers),
    maxConnections: shareOf(limits.maxConnections),
    maxPerAddress: shareOf(limits.maxPerAddress),
    subnets: boot.subnets,
    trustedProxies: boot.trustedProxies,
    log,
  }
}

function hostOf(deps: FileDeps & { transfers: Transfers }): WorkerHost {
  const { transfers, inventory, recordDamage, metrics } = deps
  return {
    begin: transfers.begin,
    findFileStatus: inventory.findFileStatus,
    recordDamage,
    recordEvent: inventory.events.record,
    countRequest: ({ route, status, seconds }) => metrics.request('boot', route, status, seconds),
    recordLost: (download, result) => recordDownload(deps, download, result),
  }
}
