// The data of a server: its data folder, its database, its store of files, its secret key and its boot programs.
import { join } from 'node:path'
import { isSocketTaken } from '../../config/admin-socket.ts'
import type { Config } from '../../config/config.ts'
import { type DataFolder, dataFolder, socketPath as socketPathOf } from '../../config/data-folder.ts'
import { lockFolder } from '../../db/folder-lock.ts'
import type { Db, OpenDb } from '../../db/open.ts'
import { openEmbedded } from '../../db/open-embedded.ts'
import { openPostgres, type PostgresOptions } from '../../db/postgres/open-postgres.ts'
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
import { openJournalOf } from './journal.ts'
import { openKnownSealer, openSealer } from './open-sealer.ts'
import { readLines, startRosterFile } from './roster-file.ts'
import { exists } from './secret-key.ts'
import { type OpenStore, openStore } from './store.ts'

/** What a first start makes, to be shown once. */
export type FirstAccess = {
  /** The first admin token, if this start created it. */
  adminToken: string | undefined
  /** The link that creates the first person, as long as no admin exists. */
  firstLink: NewLink | undefined
}

export type Data = Omit<OpenStore, 'claim'> & {
  folder: DataFolder
  db: Db
  /** The same database for requests of machines. A query takes a few seconds at most; then it fails. */
  bootDb: Db
  health: HealthSources
  /** Undefined if the server started without its database. */
  first: FirstAccess | undefined
  /** Calls `listen` once the database is prepared, which may be at once. */
  onPrepared: (listen: (first: FirstAccess) => void) => void
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

  const openedStore = await openStore(config, folder.files, log)
  let sealer = (await hasRunBefore(config, folder)) ? await openKnownSealer(config.secrets, folder, log) : undefined
  let first: FirstAccess | undefined
  const listeners: ((first: FirstAccess) => void)[] = []
  const prepare = async (db: Db) => {
    const opened = await openSealer(config.secrets, folder, db, log)
    sealer ??= opened
    await openedStore.claim(db)
    const adminToken = await ensureFirstToken(db, config.admin.token)
    const firstLink = await ensureFirstLink(db).catch((error: unknown) => withoutLink(error, log))
    first = { adminToken, firstLink }
    for (const listen of listeners.splice(0)) listen(first)
  }
  const opened = await openDatabase(config, folder, {
    log,
    onQuery: metrics.query,
    prepare,
    mayBeAway: sealer !== undefined,
  })
  closers.add(opened.close)
  const { db, bootDb = db } = opened
  const nbps = await loadNbps(config.boot.nbpFolder ?? join(programDir, 'ipxe', 'nbp'))
  const journal = await openJournalOf(config, folder, log)
  const inventory = openInventory(bootDb, log, journal, {
    eventsDb: db,
    metrics,
    roster: {
      writes: opened.writes,
      maxMachines: config.database.maxRosterMachines,
      waitMs: config.database.waitMs,
      saved: await readLines(folder.roster, log),
    },
  })
  closers.add(inventory.close)
  closers.add(startRosterFile(folder.roster, inventory.roster, log).stop)
  const { store, shared, isShared } = openedStore
  return {
    folder,
    db,
    bootDb,
    health: {
      ...healthOf(opened, folder.folder),
      journal: inventory.journal.state,
      databaseAway: () => opened.away?.() ?? inventory.roster.away(),
      decidesAlone: inventory.roster.canDecideAlone,
    },
    first,
    onPrepared: (listen) => (first === undefined ? void listeners.push(listen) : listen(first)),
    // A database that was unreachable is opened only if the sealer was.
    sealer: sealer as Sealer,
    ...{ store, shared, isShared },
    nbps,
    inventory,
    socketPath,
  }
}

/** A server that has run before can serve what it knows while the database is unreachable. */
async function hasRunBefore({ database, files }: Config, folder: DataFolder): Promise<boolean> {
  return database.url !== undefined && !files.newStore && (await exists(folder.serverId))
}

/** A server whose disk is full starts and serves machines. The first person has to wait. */
function withoutLink(error: unknown, log: Logger): undefined {
  if (findCause(error, DiskFullError) === undefined) throw error
  log.warn({ error: messageOf(error) }, 'no link for the first person: it cannot be saved')
}

async function openDatabase(
  { database }: Config,
  folder: DataFolder,
  { log, onQuery, prepare, mayBeAway }: Required<PostgresOptions> & { log: Logger },
): Promise<OpenDb> {
  const { url, durable, mayBeNew } = database
  if (url !== undefined) return openPostgres(url, { onQuery, log, prepare, mayBeAway })
  // What a server leaves in its data folder once it has had a database.
  const traces = [folder.secretKey, folder.serverId]
  const opened = await openEmbedded(folder.database, { durable, mayBeNew, traces, log, onQuery })
  await prepare(opened.db).catch(async (error: unknown) => {
    await opened.close()
    throw error
  })
  return opened
}
