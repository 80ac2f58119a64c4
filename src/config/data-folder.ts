// The layout of the data folder (BOOTWRIGHT_DATA_DIR). Only this file contains the names in it.
import { join, relative, resolve } from 'node:path'

/*
 * A test (test/config/data-folder-layout.test.ts) starts a server and compares its data folder with this tree.
 *
 *   admin.sock             socket of the command line, made at each start
 *   database/              embedded database, without DATABASE_URL
 *   database.new/          the same, while the first start makes it
 *   files/                 image files by their sha256 (ab/abcd…); with an object store, only files on their way to it
 *   files/incoming/        uploads that are not verified yet
 *   files/incoming-parts/  downloads and partial uploads, which resume after a restart
 *   files/store.id         id of this store; all servers that share the folder read it
 *   files/uploading/       multipart uploads in progress, with an object store
 *   journal/               boots, events and reports on their way to the database, in files of 16 MB
 *   owner.lock             locked while a server uses the embedded database
 *   proxy-dhcp.json        interfaces of proxyDHCP that an operator chose, without BOOTWRIGHT_PROXY_DHCP
 *   recipes/               image recipes of the operator, with their keys in recipes/keys/; made by the operator
 *   roster                 what decisions need, for a start while the database is unreachable; written once a minute
 *   roster.new             the same, while it is written
 *   secret.key             key that encrypts secrets, without BOOTWRIGHT_SECRET_KEY or BOOTWRIGHT_SECRET_KEY_FILE
 *   server.id              id of this server, which resumes its own imports
 */

/** The paths in a data folder. */
export type DataFolder = {
  folder: string
  adminSocket: string
  database: string
  files: FilesFolder
  journal: string
  ownerLock: string
  proxyDhcp: string
  recipes: string
  roster: string
  secretKey: string
  serverId: string
}

/** The paths in the folder of image files. */
export type FilesFolder = {
  folder: string
  incoming: string
  /** On the disk of the store, so that the store can rename complete files. The data folder may be on another disk. */
  incomingParts: string
  storeId: string
  uploading: string
}

export function dataFolder(folder: string): DataFolder {
  return {
    folder,
    adminSocket: join(folder, 'admin.sock'),
    database: join(folder, 'database'),
    files: filesFolder(join(folder, 'files')),
    journal: join(folder, 'journal'),
    ownerLock: join(folder, 'owner.lock'),
    proxyDhcp: join(folder, 'proxy-dhcp.json'),
    recipes: join(folder, 'recipes'),
    roster: join(folder, 'roster'),
    secretKey: join(folder, 'secret.key'),
    serverId: join(folder, 'server.id'),
  }
}

export function filesFolder(folder: string): FilesFolder {
  return {
    folder,
    incoming: join(folder, 'incoming'),
    incomingParts: join(folder, 'incoming-parts'),
    storeId: join(folder, 'store.id'),
    uploading: join(folder, 'uploading'),
  }
}

/** The shorter form (absolute or relative) of a socket's path; undefined if both exceed 107 bytes (unix(7)). */
export function socketPath(path: string): string | undefined {
  const absolute = resolve(path)
  const paths = [absolute, relative(process.cwd(), absolute)].filter((text) => Buffer.byteLength(text) <= 107)
  return paths.sort((a, b) => a.length - b.length)[0]
}
