// The embedded database's folder: created, checked and restored.

import { constants } from 'node:fs'
import { access, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ConfigError, messageOf } from '../../lib/errors.ts'
import { makeFolder, syncFolder } from '../../lib/folders.ts'

/**
 * Files that initdb creates and PostgreSQL needs to start. If one is lost, PostgreSQL does not name it, or creates it
 * empty.
 */
const parts = [
  'PG_VERSION',
  'postgresql.conf',
  'global/pg_control',
  'base/1',
  'base/5',
  'pg_wal',
  'pg_xact',
  'pg_multixact',
]

/** The PostgreSQL release of PGlite. */
const release = '18'

/**
 * Makes sure that a folder holds a complete embedded database. An existing database is checked. `create` makes a new
 * one only if the folder is empty and no trace of a former database exists; the new one appears completely or not at
 * all. `traces` are files in the data folder that only a server with a database leaves.
 * @throws ConfigError that names the fault and the next step
 */
export async function prepareDatabaseFolder(
  folder: string,
  { traces, mayBeNew, create }: { traces: string[]; mayBeNew: boolean; create: (folder: string) => Promise<void> },
): Promise<void> {
  const found = await listed(folder)
  if (found.length > 0) {
    await checkWhole(folder)
    // Two servers are kept apart by a lock (folder-lock.ts); here every process is PostgreSQL's number 42, and a power
    // cut may leave the file empty, which PostgreSQL refuses.
    return rm(join(folder, 'postmaster.pid'), { force: true })
  }
  const left = await existing(traces)
  if (left.length > 0 && !mayBeNew) {
    throw new ConfigError(
      `BOOTWRIGHT_DATA_DIR: ${folder} contains no database, but ${left.join(', ')} shows that it once did. ` +
        `Next step: restore ${folder} from its backup, or start once with BOOTWRIGHT_NEW_DATABASE=yes to begin with an empty database`,
    )
  }
  const draft = `${folder}.new`
  await rm(draft, { recursive: true, force: true })
  await makeFolder(draft)
  await create(draft)
  await syncTree(draft)
  await rename(draft, folder)
  await syncFolder(dirname(folder))
}

async function checkWhole(folder: string): Promise<void> {
  await usable(folder)
  const missing: string[] = []
  for (const part of parts) if (!(await exists(join(folder, part)))) missing.push(part)
  if (missing.length > 0) {
    throw new ConfigError(
      `BOOTWRIGHT_DATA_DIR: the database in ${folder} is damaged: ${missing.join(', ')} is missing. ${restore(folder)}`,
    )
  }
  const version = (await readFile(join(folder, 'PG_VERSION'), 'utf8')).trim()
  if (version !== release) {
    throw new ConfigError(
      `BOOTWRIGHT_DATA_DIR: ${join(folder, 'PG_VERSION')}: expected ${release}, got ${JSON.stringify(version.slice(0, 20))}. ${restore(folder)}`,
    )
  }
  for (const part of parts) await usable(join(folder, part))
}

/** The next step where a database is lost. */
export function restore(folder: string): string {
  return `Next step: restore ${folder} from its backup`
}

/** @throws ConfigError where this process may not read or write */
async function usable(path: string): Promise<void> {
  await access(path, constants.R_OK | constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`BOOTWRIGHT_DATA_DIR: cannot read and write ${path}: ${reasonOf(error, path)}`)
  })
}

function reasonOf(error: NodeJS.ErrnoException, path: string): string {
  if (error.code === 'EROFS') return 'the file system is read-only. Next step: mount it read-write'
  if (error.code !== 'EACCES' && error.code !== 'EPERM') return messageOf(error)
  return `permission denied for user id ${process.getuid?.()}. Next step: chown -R ${process.getuid?.()} ${path}`
}

/** The names in a folder; none if the folder does not exist. */
async function listed(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    const why = error.code === 'ENOTDIR' ? 'expected a folder, got a file' : reasonOf(error, folder)
    throw new ConfigError(`BOOTWRIGHT_DATA_DIR: cannot open the database in ${folder}: ${why}`)
  })
}

async function existing(paths: string[]): Promise<string[]> {
  const found = await Promise.all(paths.map(exists))
  return paths.filter((_, place) => found[place])
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      await syncTree(path)
      continue
    }
    const file = await open(path, 'r')
    await file.sync().finally(() => file.close())
  }
  await syncFolder(folder)
}
