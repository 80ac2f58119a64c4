// Boot HTTP and TFTP: the listeners for machines.
import type { AddressInfo } from 'node:net'
import { createBootApp } from '../boot/http/app.ts'
import type { BootDeps } from '../boot/http/deps.ts'
import { createShares } from '../boot/http/shares.ts'
import { createTransfers, type Transfers } from '../bytes/send/send-file.ts'
import type { Config } from '../config/config.ts'
import { createFindStoredSize } from '../files/stored-sizes.ts'
import { recordDamage } from '../inventory/images/files.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { subnetTest } from '../lib/subnet.ts'
import type { FileFault } from '../model/catalog.ts'
import { createScripts } from '../render/scripts.ts'
import { startBootTftp } from '../tftp/boot-tftp.ts'
import type { TftpThread } from '../tftp/thread/start-thread.ts'
import type { Closers } from './closers.ts'
import type { Data } from './data/data.ts'
import { fileBaseOf, openFileListener, sendingShare } from './file-listener.ts'
import { createBootServer } from './http/boot-http.ts'
import type { Limits } from './http/limits.ts'
import { listen, reachableAddress } from './http/listen.ts'
import { readTemplates } from './templates.ts'

/** `files` is the address of the file listener, if there is one. */
export type BootListener = { deps: BootDeps; address: AddressInfo; files: AddressInfo | undefined }

/** The URL at which machines reach the boot server, for previews. */
export function bootUrlOf(config: Config, { address }: Pick<BootListener, 'address'>): string {
  return config.boot.baseUrl ?? `http://${reachableAddress(address)}`
}

export async function openBootListener(
  config: Config,
  data: Data,
  limits: Limits,
  log: Logger,
  metrics: Metrics,
  closers: Closers,
): Promise<BootListener> {
  const settings = { ...sendingShare(config), maxTransfers: config.sending.maxTransfers }
  const fileDeps = fileDepsOf(config, data, createTransfers(settings, metrics), log, metrics)
  const files = await openFileListener(config, fileDeps, data.folder.files, limits.boot, closers)
  const deps = bootDeps(config, data, fileDeps, files)
  const server = createBootServer(createBootApp(deps), limits.boot)
  const address = await listen(server, config.boot.listen, 'BOOTWRIGHT_BOOT_LISTEN', closers)
  return { deps, address, files }
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

function fileDepsOf(config: Config, data: Data, transfers: Transfers, log: Logger, metrics: Metrics) {
  const { db, store, isShared, inventory } = data
  return {
    store,
    transfers,
    inventory,
    log,
    metrics,
    recordDamage: async (sha256: string, fault: FileFault) => isShared() && recordDamage(db, sha256, fault),
    allows: subnetTest(config.boot.subnets),
    settings: { trustedProxies: config.boot.trustedProxies },
  }
}

function bootDeps(
  config: Config,
  data: Data,
  fileDeps: ReturnType<typeof fileDepsOf>,
  files: AddressInfo | undefined,
): BootDeps {
  const { bootDb, store, nbps, sealer, health } = data
  const { boot, discovery, answers } = config
  return {
    ...fileDeps,
    db: bootDb,
    nbps,
    sealer,
    ...health,
    findStoredSize: createFindStoredSize(store),
    scripts: createScripts(readTemplates(), boot.withoutServer, fileBaseOf(config, files)),
    mayRecord: createShares({ burst: discovery.maxPerAddress }),
    settings: {
      ...fileDeps.settings,
      baseUrl: boot.baseUrl,
      afterRefusal: boot.afterRefusal,
      maxDiscovered: discovery.maxMachines,
      maxDiscoveredPerAddress: discovery.maxPerAddress,
      answersToAnyAddress: answers.toAnyAddress,
      answerSubnets: answers.subnets,
      command: config.command,
    },
  }
}
