// The data of a server: its data folder, its database, its store of files, its secret key and its boot programs.
import { join } from 'node:path'
import { isSocketTaken } from '../../config/admin-socket.ts'
import type { Config } from '../../config/config.ts'
import { type DataFolder, dataFolder, socketPath as socketPathOf } from '../../config/data-folder.ts'
import { lockFolder } from '../../db/folder-lock.ts'
import { type Db, type OnQuery, type OpenDb, openPostgres } from '../../db/open.ts'
import { openEmbedded } from '../../db/open-embedded.ts'
import { loadNbps, type Nbps } from '../../files/nbps.ts'
import { ensureFirstLink, type NewLink } from '../../inventory/access/password-links.ts'
import { ensureFirstToken } from '../../inventory/access/tokens.ts'
import { type Inventory, openInventory } from '../../inventory/open.ts'
import type { HealthSources } from '../../inventory/system/health.ts'
import { ConfigError, DiskFullError, findCause, messageOf } from '../../lib/errors.ts'
import { makeFolder } from '../../lib/folders.ts'
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { programDir } from '../../lib/program-dir.ts'
import type { Sealer } from '../../lib/seal.ts'
import type { Closers } from '../closers.ts'
import { healthOf } from './health.ts'
import { openSealer } from './open-sealer.ts'
import { type OpenStore, openStore } from './store.ts'

export type Data = OpenStore & {
  folder: DataFolder
  db: Db
  /** The same database for requests of machines. A query takes a few seconds at most; then it fails. */
  bootDb: Db
  health: HealthSources
  /** The first admin token, if this start created it. */
  adminToken: string | undefined
  /** The link that creates the first person, as long as no admin exists. */
  firstLink: NewLink | undefined
  sealer: Sealer
  nbps: Nbps
  /** What boots ask of the database and tell it. */
  inventory: Inventory
  /** The path of the admin socket; undefined if the path would be too long. */
  socketPath: string | undefined
}

/** @throws ConfigError if another server uses the data folder, or if its contents cannot be used */
export async function openData(config: Config, log: Logger, metrics: Metrics, closers: Closers): Promise<Data> {
  const folder = dataFolder(config.data.folder)
  await makeFolder(folder.folder)
  // The lock is released after the database is closed.
  if (config.database.url === undefined) closers.add((await lockFolder(folder.folder, folder.ownerLock)).release)
  const socketPath = socketPathOf(folder.adminSocket)
  if (socketPath !== undefined && (await isSocketTaken(socketPath)))
    throw new ConfigError(`BOOTWRIGHT_DATA_DIR: another server is already using ${folder.folder}`)

  const opened = await openDatabase(config, folder, log, metrics.query)
  closers.add(opened.close)
  const { db, bootDb = db } = opened
  const adminToken = await ensureFirstToken(db, config.admin.token)
  const firstLink = await ensureFirstLink(db).catch((error: unknown) => withoutLink(error, log))
  const sealer = await openSealer(config.secrets, folder, db, log)
  const store = await openStore(config, folder.files, db, log)
  const nbps = await loadNbps(config.boot.nbpFolder ?? join(programDir, 'ipxe', 'nbp'))
  const inventory = openInventory(bootDb, log, { eventsDb: db, metrics })
  closers.add(inventory.close)
  return {
    folder,
    db,
    bootDb,
    health: healthOf(opened),
    adminToken,
    firstLink,
    sealer,
    ...store,
    nbps,
    inventory,
    socketPath,
  }
}

/** A server whose disk is full starts and serves machines. The first person has to wait. */
function withoutLink(error: unknown, log: Logger): undefined {
  if (findCause(error, DiskFullError) === undefined) throw error
  log.warn({ error: messageOf(error) }, 'no link for the first person: it cannot be saved')
}

function openDatabase({ database }: Config, folder: DataFolder, log: Logger, onQuery: OnQuery): Promise<OpenDb> {
  const { url, durable, mayBeNew } = database
  if (url !== undefined) return openPostgres(url, onQuery)
  // What a server leaves in its data folder once it has had a database.
  const traces = [folder.secretKey, folder.serverId]
  return openEmbedded(folder.database, { durable, mayBeNew, traces, log, onQuery })
}
