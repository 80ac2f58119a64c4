import { chmod, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { sql } from 'drizzle-orm'
import { type AdminDeps, createAdminApp } from '../api/routes.ts'
import { createShares } from '../boot/http/shares.ts'
import { type BootDeps, createBootApp } from '../boot/routes.ts'
import { previewScript } from '../boot/script.ts'
import { createTransfers } from '../bytes/send/send-file.ts'
import type { FileStore } from '../bytes/store/file-store.ts'
import { openFolderStore } from '../bytes/store/folder-store.ts'
import { loadStoreId, refusingStore } from '../bytes/store/store-id.ts'
import { createFileOrders } from '../bytes/workers/file-orders.ts'
import { startFileWorkers } from '../bytes/workers/file-workers.ts'
import { adminSocketPath, isSocketTaken, socketPathIn } from '../config/admin-socket.ts'
import type { Config, Listen } from '../config/config.ts'
import { lockFolder } from '../db/folder-lock.ts'
import { type Db, openPostgres } from '../db/open.ts'
import { openEmbedded } from '../db/open-embedded.ts'
import { rowsOf } from '../db/rows.ts'
import { createFindSize } from '../decide/damage.ts'
import { createFileChecks } from '../files/check.ts'
import { loadNbps } from '../files/nbps.ts'
import { openIntake } from '../intake/open-intake.ts'
import { ensureFirstToken } from '../inventory/access/tokens.ts'
import { createOpenBoot } from '../inventory/boots/boots.ts'
import { startBootEventRecorder } from '../inventory/boots/events.ts'
import { createRecordReport } from '../inventory/boots/reports.ts'
import { createFindSituation } from '../inventory/boots/situation.ts'
import { createChangeFeed } from '../inventory/changes/feed.ts'
import { createFindServable, noteDamage } from '../inventory/images/files.ts'
import { createFindTreeFile } from '../inventory/images/trees.ts'
import { claimStore, replaceStore } from '../inventory/system/installation.ts'
import { startBackgroundChecks } from '../jobs/background-checks.ts'
import { startHousekeeping } from '../jobs/housekeeping.ts'
import { startWebhookSender } from '../jobs/webhook-sender.ts'
import { ConfigError, messageOf } from '../lib/errors.ts'
import { makeFolder } from '../lib/folders.ts'
import type { Logger } from '../lib/log.ts'
import { proxyTest, subnetTest } from '../lib/subnet.ts'
import { createScripts } from '../render/scripts.ts'
import { startBootTftp } from '../tftp/boot-tftp.ts'
import { createBootServer, createRelayServer } from './boot-listener.ts'
import { freeDescriptors, shareDescriptors } from './descriptors.ts'
import { type ConnectionLimits, serveBounded } from './http-connections.ts'
import { openSealer } from './open-sealer.ts'
import { readTemplates } from './templates.ts'

/** A server that serves. `adminToken` is the first token, only where this start made it. */
export type RunningServer = {
  addresses: { boot: string; admin: string; adminSocket: string | undefined; tftp: string | undefined }
  adminToken: string | undefined
  /** The boot programs that were found, by name. */
  nbps: string[]
  stop: () => Promise<void>
}

/** Opens everything in order; when one thing fails, what was opened is closed again and the error is thrown. */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  const opened: (() => Promise<unknown>)[] = []
  let stopped: Promise<void> | undefined
  const closeAll = async () => {
    for (const close of opened.splice(0).reverse())
      await close().catch((error) => log.error({ error: messageOf(error) }, 'did not close'))
  }
  // Whoever asks again waits for the same end.
  const stop = () => {
    stopped ??= closeAll()
    return stopped
  }
  try {
    return { ...(await open(config, log, opened)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const maxAdminConnections = 1024
// The same ending as this file: .ts in tests, .js in the built program.
const workerProgram = fileURLToPath(new URL(`./file-worker${extname(import.meta.url)}`, import.meta.url))

async function open(
  config: Config,
  log: Logger,
  opened: (() => Promise<unknown>)[],
): Promise<Omit<RunningServer, 'stop'>> {
  await makeFolder(config.dataDir)
  // Held until the database is closed, which is closed before it.
  if (config.databaseUrl === undefined) opened.push((await lockFolder(config.dataDir)).release)
  const socketPath = adminSocketPath(config.dataDir)
  if (socketPath !== undefined && (await isSocketTaken(socketPath))) {
    throw new ConfigError(`BOOTWRIGHT_DATA_DIR: another server is running on ${config.dataDir}`)
  }

  const {
    db,
    bootDb = db,
    isShort: databaseIsShort = () => false,
    close,
    fault,
  } = config.databaseUrl === undefined
    ? await openEmbedded(join(config.dataDir, 'database'), {
        durable: config.durable,
        mayBeNew: config.newDatabase,
        log,
      })
    : await openPostgres(config.databaseUrl)
  opened.push(close)
  const adminToken = await ensureFirstToken(db, config.adminToken)
  const sealer = await openSealer(config, db, log)
  const store = await openStore(config)
  const isShared = await sharesStore(config, db, log)
  // What another server has is no damage, and what this one takes in the other would lack.
  const sharedStore = isShared
    ? store
    : refusingStore(`this server does not share the store of image files: ${storeAdvice}`)
  const nbps = await loadNbps(config.nbpDir)
  const events = startBootEventRecorder(db, log)
  opened.push(events.stop)
  opened.push(startHousekeeping(config, db, log).stop)
  const checks = createFileChecks({ db, store: sharedStore, log })
  if (isShared) opened.push(startBackgroundChecks({ db, log }, checks, { everyDays: config.verifyDays }).stop)

  const orders = config.fileWorkers > 0 ? createFileOrders() : undefined
  const sending = sendingOf(config)
  const databaseAnswers = () => answers(db)
  const databaseFault = async () => fault() ?? ((await isReadOnly(db)) ? 'the database server is read-only' : undefined)
  const allows = subnetTest(config.bootSubnets)
  const boot: BootDeps = {
    db: bootDb,
    store,
    transfers: { ...createTransfers({ ...sending, mostTransfers: config.maxTransfers }), ...(orders && { orders }) },
    findServable: createFindServable(bootDb),
    noteDamage: async (sha256, why) => isShared && noteDamage(db, sha256, why),
    nbps,
    events,
    log,
    settings: config,
    allows,
    databaseAnswers,
    databaseIsShort,
    databaseFault,
    mayRecord: createShares({ burst: config.maxDiscoveredPerAddress }),
    scripts: createScripts(readTemplates()),
    findSituation: createFindSituation(bootDb),
    openBoot: createOpenBoot(bootDb),
    recordReport: createRecordReport(bootDb),
    findTreeFile: createFindTreeFile(bootDb),
    findSize: createFindSize(store),
    sealer,
  }
  const bootApp = createBootApp(boot)
  const limits = await connectionLimits(config, log)
  const bootServer = createBootServer(bootApp, limits.boot)
  const bootAddress = await listen(bootServer, config.bootListen, 'BOOTWRIGHT_BOOT_LISTEN', opened)
  if (orders !== undefined) {
    const relaySocket = socketPathIn(config.dataDir, 'relay.sock')
    if (relaySocket === undefined)
      throw new ConfigError('BOOTWRIGHT_FILE_WORKERS: the path of the data folder is too long for a Unix socket')
    // What a killed server left.
    await rm(relaySocket, { force: true })
    await listenOnSocket(createRelayServer(bootApp), relaySocket, opened)
    const workers = { ...sending, folder: filesFolder(config), relaySocket }
    opened.push(
      startFileWorkers({ count: config.fileWorkers, program: workerProgram }, workers, bootServer, orders, log).stop,
    )
  }

  const bootUrl = config.baseUrl ?? `http://${reachable(bootAddress)}`
  const preview: AdminDeps['preview'] = (facts, baseUrl, supposed) =>
    previewScript(boot, facts, baseUrl ?? bootUrl, supposed)
  const { findSituation } = boot
  const feed = createChangeFeed(db, log)
  opened.push(startWebhookSender(db, sealer, log).stop)
  const intake = await openIntake(config, { db, store: sharedStore, log })
  opened.push(intake.stop)
  const admin = {
    db,
    store: sharedStore,
    checks,
    intake,
    log,
    sealer,
    feed,
    findSituation,
    bootUrl,
    maxFileBytes: config.maxFileBytes,
    databaseAnswers,
    databaseIsShort,
    databaseFault,
    preview,
  }
  const adminAddress = await listen(
    adminServer({ ...admin, trusted: false }, limits.admin),
    config.adminListen,
    'BOOTWRIGHT_ADMIN_LISTEN',
    opened,
  )
  if (socketPath === undefined)
    log.warn(
      'the path of the data folder is too long for a Unix socket: the command line needs BOOTWRIGHT_URL and BOOTWRIGHT_TOKEN',
    )
  else await listenOnSocket(adminServer({ ...admin, trusted: true }, limits.admin), socketPath, opened)

  // Before the listeners close: who follows the changes would otherwise hold them open.
  opened.push(async () => feed.stop())
  const tftp = await startBootTftp({ ...config, tftpMaxTransfers: limits.tftpTransfers }, boot, bootAddress)
  if (tftp !== undefined) opened.push(() => tftp.stop(5000))
  return {
    addresses: {
      boot: formatAddress(bootAddress),
      admin: formatAddress(adminAddress),
      adminSocket: socketPath,
      tftp: tftp?.addresses.join(', '),
    },
    adminToken,
    nbps: [...nbps.keys()],
  }
}

/** What every process that sends files may use: its share. */
function sendingOf({ fileCacheBytes, maxBytesPerSecond, sendfile, fileWorkers }: Config) {
  const processes = fileWorkers + 1
  return {
    cacheBytes: Math.floor(fileCacheBytes / processes),
    bytesPerSecond: maxBytesPerSecond === undefined ? undefined : maxBytesPerSecond / processes,
    zeroCopy: sendfile,
  }
}

function filesFolder({ dataDir }: Config): string {
  return join(dataDir, 'files')
}

async function openStore(config: Config): Promise<FileStore> {
  const folder = filesFolder(config)
  const { s3 } = config
  if (s3 === undefined) return openFolderStore(folder)
  // A client of 20 MB, only for those who have an object store.
  const { openS3Store } = await import('../bytes/store/s3-store.ts')
  return openS3Store(s3, folder)
}

/** Whether the store of this server is the one of the database: always for the embedded one, else that of the first start. */
async function sharesStore(config: Config, db: Db, log: Logger): Promise<boolean> {
  const { s3, databaseUrl, newStore } = config
  const storeId = s3 === undefined ? await loadStoreId(filesFolder(config)) : `${s3.endpoint}/${s3.bucket}/${s3.prefix}`
  if (databaseUrl === undefined || newStore) await replaceStore(db, storeId)
  if ((await claimStore(db, storeId)) === storeId) return true
  log.error(
    { next: storeAdvice },
    'this server does not share the store of image files: it takes none, and serves only what it has',
  )
  return false
}

const storeAdvice =
  'give all servers on one database the same object store (BOOTWRIGHT_S3_URL) or the same folder "files"; ' +
  'if the other store is gone for good, start with BOOTWRIGHT_NEW_STORE=yes'

/** What clients may take of the descriptors that this process has, so that the database always has some. */
async function connectionLimits(config: Config, log: Logger) {
  const free = await freeDescriptors()
  const asked = {
    bootConnections: config.maxConnections,
    adminConnections: maxAdminConnections,
    tftpTransfers: config.tftpMaxTransfers,
  }
  const { bootConnections, adminConnections, tftpTransfers } = shareDescriptors(free, asked)
  if (bootConnections < asked.bootConnections || tftpTransfers < asked.tftpTransfers)
    log.info(
      { freeDescriptors: free, bootConnections, tftpTransfers },
      'the limit of open files (ulimit -n, LimitNOFILE) allows fewer connections than the settings',
    )
  const quarter = Math.ceil(bootConnections / 4)
  const boot: ConnectionLimits = {
    maxConnections: bootConnections,
    maxPerAddress: config.maxConnectionsPerAddress ?? quarter,
    isShared: proxyTest(config.trustedProxies),
    crowded: atMostEvery(60_000, (address) =>
      log.warn({ ip: address, bootConnections }, 'too many boot connections: idle ones are closed, then new ones'),
    ),
  }
  const admin: ConnectionLimits = { maxConnections: adminConnections, maxPerAddress: adminConnections }
  return { boot, admin, tftpTransfers }
}

/** Calls `tell` once in so many milliseconds at most. */
function atMostEvery(everyMs: number, tell: (text: string) => void): (text: string) => void {
  let toldAt = Number.NEGATIVE_INFINITY
  return (text) => {
    if (performance.now() - toldAt < everyMs) return
    toldAt = performance.now()
    tell(text)
  }
}

function adminServer(deps: AdminDeps, limits: ConnectionLimits): http.Server {
  const server = http.createServer()
  serveBounded(server, getRequestListener(createAdminApp(deps).fetch), limits)
  // An upload may take hours; its header and its silence may not.
  server.requestTimeout = 0
  server.headersTimeout = 20_000
  server.timeout = 120_000
  return server
}

async function listen(
  server: http.Server,
  { host, port }: Listen,
  setting: string,
  opened: (() => Promise<unknown>)[],
): Promise<AddressInfo> {
  await listening(server, { host, port }, `${setting}: cannot listen on ${host}:${port}`)
  opened.push(() => closeServer(server))
  return server.address() as AddressInfo
}

async function listenOnSocket(server: http.Server, path: string, opened: (() => Promise<unknown>)[]): Promise<void> {
  // The mode counts from the first moment: nobody else may connect before the chmod.
  const before = process.umask(0o177)
  await listening(server, { path }, `cannot listen on ${path}`).finally(() => process.umask(before))
  await chmod(path, 0o600)
  opened.push(() => closeServer(server))
}

function listening(
  server: http.Server,
  where: { host: string; port: number } | { path: string },
  what: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ConfigError(`${what}: ${error.code === 'EADDRINUSE' ? 'the address is in use' : error.message}`)),
    )
    // Machines that are switched on together connect in one burst; the system may allow fewer (net.core.somaxconn).
    server.listen({ ...where, backlog: 4096 }, resolve)
  })
}

// Downloads under way get a few seconds to end, then the connections are cut.
async function closeServer(server: http.Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), 5000)
  await closed
  clearTimeout(cut)
}

async function answers(db: Db): Promise<boolean> {
  return inTwoSeconds(
    db.execute(sql`select 1`).then(() => true),
    false,
  )
}

// A PostgreSQL that is a standby, or was told to be read-only.
async function isReadOnly(db: Db): Promise<boolean> {
  const asked = db.execute(sql`select current_setting('transaction_read_only') as "readOnly"`)
  return inTwoSeconds(
    asked.then((result) => rowsOf<{ readOnly: string }>(result)[0]?.readOnly === 'on'),
    false,
  )
}

function inTwoSeconds<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  const late = new Promise<T>((resolve) => setTimeout(resolve, 2000, otherwise).unref())
  return Promise.race([answer.catch(() => otherwise), late])
}

function formatAddress({ address, port, family }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}

function reachable(address: AddressInfo): string {
  return formatAddress({
    ...address,
    address: address.address === '0.0.0.0' ? '127.0.0.1' : address.address === '::' ? '::1' : address.address,
  })
}
