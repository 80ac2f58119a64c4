// The store of image files, and the check that it is the store of this database.

import { currentStore } from '../../bytes/store/current-store.ts'
import type { FileStore } from '../../bytes/store/file-store.ts'
import { openFolderStore } from '../../bytes/store/folder-store.ts'
import { loadStoreId, refusingStore } from '../../bytes/store/store-id.ts'
import type { Config } from '../../config/config.ts'
import type { FilesFolder } from '../../config/data-folder.ts'
import type { S3Settings } from '../../config/s3-settings.ts'
import type { Db } from '../../db/open.ts'
import { claimStore, replaceStore } from '../../inventory/system/installation.ts'
import { ConflictError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { DatabaseAwayError } from '../../lib/outage.ts'

const storeAdvice =
  'give all servers on one database the same object store (BOOTWRIGHT_S3_URL) or the same folder "files". ' +
  'If the other store is lost, start with BOOTWRIGHT_NEW_STORE=yes'

/**
 * `store` is the store of this server, from which it serves files. `shared` is the same store if it belongs to the
 * database. Otherwise `shared` refuses every call: files that only another server has are not missing, and that server
 * would lack every file that this server accepts.
 */
export type OpenStore = {
  store: FileStore
  shared: FileStore
  /** False as well before `claim`. */
  isShared: () => boolean
  /** Compares this store with that of the database, and records it if the database has none. */
  claim: (db: Db) => Promise<void>
}

/** Opens the store without the database. */
export async function openStore(config: Config, folder: FilesFolder, log: Logger): Promise<OpenStore> {
  const s3 = s3Of(config)
  const store = s3 === undefined ? await openFolderStore(folder) : await openBucket(s3, folder)
  const id = s3 === undefined ? await loadStoreId(folder.storeId) : `${s3.endpoint}/${s3.bucket}/${s3.prefix}`
  const unknown = new DatabaseAwayError('the database was not reached yet, so the store of image files is not known')
  let shared = refusingStore(unknown)
  const claim = async (db: Db) => {
    if (config.database.url === undefined || config.files.newStore) await replaceStore(db, id)
    if ((await claimStore(db, id)) === id) shared = store
    else {
      log.error(
        { next: storeAdvice },
        'this server does not share the store of image files, so it accepts no files and serves only its own',
      )
      shared = refusingStore(new ConflictError(`this server does not share the store of image files: ${storeAdvice}`))
    }
  }
  return { store, shared: currentStore(() => shared), isShared: () => shared === store, claim }
}

async function openBucket(s3: S3Settings, folder: FilesFolder): Promise<FileStore> {
  // The S3 client takes 20 MB of memory, so it is loaded only if an object store is set.
  const { openS3Store } = await import('../../bytes/store/s3-store.ts')
  return openS3Store(s3, folder)
}

function s3Of({ s3 }: Config): S3Settings | undefined {
  const { place, region, accessKey = '', secretKey = '', redirect } = s3
  return place && { ...place, region, accessKey, secretKey, redirect }
}
