import { randomUUID } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConflictError } from '../errors.ts'
import { makeFolder, syncFolder } from '../folders.ts'
import type { FileStore } from './file-store.ts'

/** The id of the store in a folder, made once: servers that share the folder read the same. */
export async function loadStoreId(folder: string): Promise<string> {
  const path = join(folder, 'store.id')
  await makeFolder(folder)
  const handle = await open(path, 'wx', 0o644).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined
    throw error
  })
  if (handle !== undefined) {
    await handle.writeFile(`${randomUUID()}\n`)
    await handle.sync()
    await handle.close()
    await syncFolder(folder)
  }
  return (await readFile(path, 'utf8')).trim()
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
    adopt: refuse,
    remove: refuse,
    // biome-ignore lint/correctness/useYield: it has nothing to list
    list: async function* () {
      await refuse()
    },
  }
}
