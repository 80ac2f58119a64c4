import { readFile } from 'node:fs/promises'
import { validate as isUuid, v4 as uuidv4 } from 'uuid'
import { ConfigError, messageOf, quote } from '../../lib/errors.ts'
import { makeFileOnce } from '../../lib/folders.ts'

/** The id of the server that a data folder is of, made at its first start: what arrived of an import lies in its folder. */
export async function loadServerId(path: string): Promise<string> {
  const found = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new ConfigError(`BOOTWRIGHT_DATA_DIR: cannot read ${path}: ${messageOf(error)}`)
  })
  if (found !== undefined) {
    if (isUuid(found.trim())) return found.trim()
    throw new ConfigError(
      `BOOTWRIGHT_DATA_DIR: ${path}: expected a UUID, got ${quote(found.trim())}. ` +
        'Next step: restore it from its backup, or remove it: imports that are under way are then not resumed',
    )
  }
  const id = uuidv4()
  await makeFileOnce(path, `${id}\n`, 0o600)
  return id
}
