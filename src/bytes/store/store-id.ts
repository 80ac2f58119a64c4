// The id of a file store, and the store that refuses everything if the id is wrong.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { validate as isUuid } from 'uuid'
import { ConfigError, quote } from '../../lib/errors.ts'
import { makeFileOnce, makeFolder } from '../../lib/folders.ts'
import type { FileStore } from './file-store.ts'

/** The id of the store in a folder, created once. Servers that share the folder read the same id. */
export async function loadStoreId(path: string): Promise<string> {
  await makeFolder(dirname(path))
  const read = () => readFile(path, 'utf8')
  const text = await read().catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    await makeFileOnce(path, `${randomUUID()}\n`, 0o644)
    return read()
  })
  const id = text.trim()
  if (!isUuid(id))
    throw new ConfigError(
      `BOOTWRIGHT_DATA_DIR: ${path}: expected the id (UUID) of the store of image files, got ${quote(id)}. Next step: restore it from a backup, or remove it if no other server shares this store`,
    )
  return id
}

/** Replaces a store that this server may not use: it refuses every operation with this error. */
export function refusingStore(why: Error): FileStore {
  const refuse = async () => {
    throw why
  }
  return {
    open: refuse,
    size: refuse,
    put: refuse,
    putFile: refuse,
    remove: refuse,
    // biome-ignore lint/correctness/useYield: there is nothing to list
    list: async function* () {
      await refuse()
    },
  }
}
