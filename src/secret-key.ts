import { randomBytes } from 'node:crypto'
import { open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from './config.ts'
import { ConfigError, messageOf } from './errors.ts'
import { syncFolder } from './folders.ts'
import { parseKey } from './seal.ts'

/**
 * The key that secrets are sealed with: of the setting, of the file that a setting names, else of `secret.key` in the data
 * folder, which the first start makes. Instances on one PostgreSQL need the same.
 * @throws ConfigError
 */
export async function loadSecretKey({ secretKey, secretKeyFile, dataDir }: Config): Promise<Buffer> {
  if (secretKey !== undefined) return secretKey
  const file = secretKeyFile ?? join(dataDir, 'secret.key')
  if (secretKeyFile === undefined) await makeKeyFile(file)
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ConfigError(`BOOTWRIGHT_SECRET_KEY_FILE: cannot read ${file}: ${messageOf(error)}`)
  })
  const key = parseKey(text)
  if (key === undefined)
    throw new ConfigError(`BOOTWRIGHT_SECRET_KEY_FILE: ${file} holds no key: expected 64 hexadecimal digits`)
  return key
}

async function makeKeyFile(file: string): Promise<void> {
  // Exclusive: of two that start at once one makes it, and both read it. Synced: what it seals must not outlive it.
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined
    throw error
  })
  if (handle === undefined) return
  await handle.writeFile(`${randomBytes(32).toString('hex')}\n`)
  await handle.sync()
  await handle.close()
  await syncFolder(dirname(file))
}
