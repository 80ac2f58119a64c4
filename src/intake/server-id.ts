import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { v4 as uuidv4 } from 'uuid'
import { syncFolder } from '../folders.ts'

/** The id of the server that a data folder is of, made at its first start: what arrived of an import lies in its folder. */
export async function loadServerId(dataDir: string): Promise<string> {
  const path = join(dataDir, 'server.id')
  const known = (await readFile(path, 'utf8').catch(() => '')).trim()
  if (/^[0-9a-f-]{36}$/.test(known)) return known
  const id = uuidv4()
  await writeFile(`${path}.new`, `${id}\n`, { mode: 0o600, flush: true })
  await rename(`${path}.new`, path)
  await syncFolder(dataDir)
  return id
}
