import type { PGlite } from '@electric-sql/pglite'
import { drizzle } from 'drizzle-orm/pglite'
import { migrate } from 'drizzle-orm/pglite/migrator'
import { ConfigError, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { type EmbeddedClient, openEmbeddedClient } from './embedded/client.ts'
import { prepareDatabaseFolder, restore } from './embedded/database-folder.ts'
import { watchDiskRoom } from './embedded/disk-room.ts'
import { EngineError } from './embedded/protocol.ts'
import { startEngine, startInMemory } from './embedded/start-engine.ts'
import { startTrimming } from './embedded/trim-memory.ts'
import { recordProgram, refuseNewerDatabase } from './newer.ts'
import { asDb, migrationsFolder, type OnQuery, type OpenDb } from './open.ts'

export type EmbeddedOptions = {
  /** False: a power cut may lose the last writes, or all data. */
  durable?: boolean
  /** True: a data folder that had a database may begin with a new one. */
  mayBeNew?: boolean
  /** Files that only a server that had a database leaves: with one of them, a folder without a database is refused. */
  traces?: string[]
  /** The initial content of a database in memory: a data folder as packed by PGlite's `dumpDataDir`. */
  contents?: Blob
  log?: Logger
  onQuery?: OnQuery | undefined
}

/**
 * Opens the embedded database in a folder, or in memory when none is named, and migrates it. One process at a time.
 * @throws ConfigError when the folder holds no whole database, or none that can be opened
 */
export async function openEmbedded(
  folder?: string,
  { durable = true, mayBeNew = false, traces = [], contents, log, onQuery }: EmbeddedOptions = {},
): Promise<OpenDb> {
  const start = () => (folder === undefined ? startInMemory(contents) : startEngine({ folder, durable }))
  if (folder !== undefined)
    await prepareDatabaseFolder(folder, { traces, mayBeNew, create }).catch((error: unknown) => {
      throw error instanceof EngineError ? cannotMake(folder, error.message) : error
    })
  const disk = watchDiskRoom(folder)
  let opened = false
  // If the schema is up to date, a start changes nothing. So the server also starts on a full disk.
  const room = { ...disk, isLow: (logBytes: number) => opened && disk.isLow(logBytes) }
  const client = await openEmbeddedClient(start, { room, log, onQuery }).catch((error: unknown) => {
    throw error instanceof EngineError ? cannotOpen(folder, error.message) : error
  })
  try {
    const db = drizzle({ client: client as unknown as PGlite })
    await refuseNewerDatabase(asDb(db))
    await migrate(db, { migrationsFolder })
    await recordProgram(asDb(db))
    await checkTables(client, folder)
    opened = true
    const stopTrimming = folder === undefined ? () => {} : startTrimming()
    const close = async () => {
      stopTrimming()
      await client.close()
    }
    return { db: asDb(db), close, fault: client.fault, writes: client.writes }
  } catch (error) {
    await client.close().catch(() => {})
    throw error instanceof ConfigError ? error : cannotOpen(folder, reasonOf(error))
  }
}

// The steps are not synced, because the whole folder is synced before it is used.
async function create(folder: string): Promise<void> {
  const engine = await startEngine({ folder, durable: false })
  await engine.close()
}

// PostgreSQL treats a truncated file as a shorter table, and may report the fault only when a query misses data.
async function checkTables({ query }: EmbeddedClient, folder: string | undefined): Promise<void> {
  const { rows } = await query(`
    select relname as name, pg_relation_filepath(oid) as path from pg_class
    where relkind in ('r', 'i', 't', 'S') and ((pg_stat_file(pg_relation_filepath(oid), true)).size is null
      or pg_relation_size(oid) < greatest(relpages::bigint, case relkind when 'i' then 1 else 0 end) * 8192)`)
  if (rows.length === 0) return
  const lost = (rows as { name: string; path: string }[]).slice(0, 5).map(({ name, path }) => `${path} (${name})`)
  throw cannotOpen(folder, `${lost.join(', ')}: the file is missing or too short`)
}

function cannotMake(folder: string, reason: string): ConfigError {
  return new ConfigError(
    `BOOTWRIGHT_DATA_DIR: cannot create a database in ${folder}: ${reason}. ` +
      'Next step: use a disk with 200 MB free that this user can write to',
  )
}

function cannotOpen(folder = 'memory', reason: string): ConfigError {
  if (reason.includes('Next step'))
    return new ConfigError(`BOOTWRIGHT_DATA_DIR: the database in ${folder} cannot be opened: ${reason}`)
  const next = /No space left|disk of the database is full/.test(reason)
    ? `Next step: free space on the disk of ${folder}`
    : /Too many open files|descriptors/.test(reason)
      ? 'Next step: raise the limit of open files, ulimit -n 4096'
      : /Permission denied|Read-only file system/.test(reason)
        ? `Next step: chown -R ${process.getuid?.()} ${folder}`
        : restore(folder)
  return new ConfigError(`BOOTWRIGHT_DATA_DIR: the database in ${folder} cannot be opened: ${reason}. ${next}`)
}

function reasonOf(error: unknown): string {
  let deepest = error
  while (deepest instanceof Error && deepest.cause instanceof Error) deepest = deepest.cause
  return messageOf(deepest)
}
