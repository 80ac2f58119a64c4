// The id of a store, and the store that stands in for one that is not the database's.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { validate as isUuid } from 'uuid'
import { ConfigError, ConflictError, quote } from '../../lib/errors.ts'
import { makeFileOnce, makeFolder } from '../../lib/folders.ts'
import type { FileStore } from './file-store.ts'

/** The id of the store in a folder, made once: servers that share the folder read the same. */
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

/** In place of a store that is not the one of the database: whatever would change it, or judge it, is refused. */
export function refusingStore(why: string): FileStore {
  const refuse = async () => {
    throw new ConflictError(why)
  }
  return {
    open: refuse,
    size: refuse,
    put: refuse,
    putFile: refuse,
    remove: refuse,
    // biome-ignore lint/correctness/useYield: it has nothing to list
    list: async function* () {
      await refuse()
    },
  }
}
