// The id of a server, kept in its data folder.
import { readFile } from 'node:fs/promises'
import { validate as isUuid, v4 as uuidv4 } from 'uuid'
import { ConfigError, messageOf, quote } from '../../lib/errors.ts'
import { makeFileOnce } from '../../lib/folders.ts'

/**
 * Loads the id of this server, or makes it at the first start. Incomplete imports belong to the server that has their
 * files.
 */
export async function loadServerId(path: string): Promise<string> {
  const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new ConfigError(`BOOTWRIGHT_DATA_DIR: cannot read ${path}: ${messageOf(error)}`)
  })
  if (found !== undefined) {
    if (isUuid(found.trim())) return found.trim()
    throw new ConfigError(
      `BOOTWRIGHT_DATA_DIR: ${path}: expected a UUID, got ${quote(found.trim())}. ` +
        'Next step: restore the file from a backup, or delete it. Without it, incomplete imports start again from zero',
    )
  }
  const id = uuidv4()
  await makeFileOnce(path, `${id}\n`, 0o600)
  return id
}
