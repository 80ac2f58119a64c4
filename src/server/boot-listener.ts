// Boot HTTP and TFTP: the listeners for machines.
import { rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createBootApp } from '../boot/http/app.ts'
import type { BootDeps } from '../boot/http/deps.ts'
import { createShares } from '../boot/http/shares.ts'
import { createTransfers } from '../bytes/send/send-file.ts'
import { createFileOrders } from '../bytes/workers/file-orders.ts'
import { startFileWorkers } from '../bytes/workers/file-workers.ts'
import type { Config } from '../config/config.ts'
import { socketPath } from '../config/data-folder.ts'
import { createFindStoredSize } from '../files/stored-sizes.ts'
import { recordDamage } from '../inventory/images/files.ts'
import { ConfigError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { subnetTest } from '../lib/subnet.ts'
import { createScripts } from '../render/scripts.ts'
import { startBootTftp } from '../tftp/boot-tftp.ts'
import type { TftpThread } from '../tftp/thread/start-thread.ts'
import type { Closers } from './closers.ts'
import type { Data } from './data/data.ts'
import { createBootServer, createRelayServer } from './http/boot-http.ts'
import type { Limits } from './http/limits.ts'
import { listen, listenOnSocket } from './http/listen.ts'
import { readTemplates } from './templates.ts'

// The file extension is that of this file: .ts in tests, .js in the compiled program.
const workerProgram = fileURLToPath(new URL(`./file-worker${extname(import.meta.url)}`, import.meta.url))

export type BootListener = { deps: BootDeps; address: AddressInfo }

export async function openBootListener(
  config: Config,
  data: Data,
  limits: Limits,
  log: Logger,
  metrics: Metrics,
  closers: Closers,
): Promise<BootListener> {
  const workers = config.sending.workers
  const orders = workers > 0 ? createFileOrders() : undefined
  const sending = sendingOf(config)
  const transfers = createTransfers({ ...sending, maxTransfers: config.sending.maxTransfers }, metrics)
  const deps = bootDeps(config, data, orders === undefined ? transfers : { ...transfers, orders }, log, metrics)
  const app = createBootApp(deps)
  const server = createBootServer(app, limits.boot)
  const address = await listen(server, config.boot.listen, 'BOOTWRIGHT_BOOT_LISTEN', closers)
  if (orders !== undefined) {
    const relaySocket = socketPath(data.folder.relaySocket)
    if (relaySocket === undefined)
      throw new ConfigError(
        'BOOTWRIGHT_FILE_WORKERS: expected 0, because the path of the data folder is too long for a Unix socket. ' +
          'To use file workers: set BOOTWRIGHT_DATA_DIR to a folder with a shorter path',
      )
    // A killed server leaves its socket behind.
    await rm(relaySocket, { force: true })
    await listenOnSocket(createRelayServer(app), relaySocket, closers)
    const shares = { ...sending, store: data.folder.files, relaySocket }
    closers.add(startFileWorkers({ count: workers, program: workerProgram }, shares, server, orders, log).stop)
  }
  return { deps, address }
}

/** Starts TFTP; undefined if TFTP is off or cannot listen on its default port. */
export async function openTftpListener(
  config: Config,
  { deps, address }: BootListener,
  maxTransfers: number,
  closers: Closers,
): Promise<Pick<TftpThread, 'addresses' | 'port'> | undefined> {
  const { baseUrl, subnets, withoutServer } = config.boot
  const settings = { ...config.tftp, maxTransfers, baseUrl, subnets, withoutServer }
  const tftp = await startBootTftp(settings, { ...deps, templates: readTemplates() }, address)
  if (tftp === undefined) return undefined
  closers.add(() => tftp.stop(5000))
  return tftp
}

function bootDeps(
  config: Config,
  data: Data,
  transfers: BootDeps['transfers'],
  log: Logger,
  metrics: Metrics,
): BootDeps {
  const { db, bootDb, store, isShared, nbps, inventory, sealer, health } = data
  const { boot, discovery, answers } = config
  return {
    db: bootDb,
    inventory,
    store,
    transfers,
    nbps,
    log,
    metrics,
    sealer,
    ...health,
    recordDamage: async (sha256, fault) => isShared() && recordDamage(db, sha256, fault),
    findStoredSize: createFindStoredSize(store),
    scripts: createScripts(readTemplates(), boot.withoutServer),
    allows: subnetTest(boot.subnets),
    mayRecord: createShares({ burst: discovery.maxPerAddress }),
    settings: {
      baseUrl: boot.baseUrl,
      trustedProxies: boot.trustedProxies,
      afterRefusal: boot.afterRefusal,
      maxDiscovered: discovery.maxMachines,
      maxDiscoveredPerAddress: discovery.maxPerAddress,
      answersToAnyAddress: answers.toAnyAddress,
      answerSubnets: answers.subnets,
      command: config.command,
    },
  }
}

/** The limits for each process that sends files: its share of the cache and of the speed. */
function sendingOf({ sending }: Config) {
  const { cacheBytes, maxBytesPerSecond, sendfile, workers } = sending
  const processes = workers + 1
  return {
    cacheBytes: Math.floor(cacheBytes / processes),
    bytesPerSecond: maxBytesPerSecond === undefined ? undefined : maxBytesPerSecond / processes,
    zeroCopy: sendfile,
  }
}
