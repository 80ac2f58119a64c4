// The secret key: from a setting, from a file, or made at the first start.
import { randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { ConfigError, messageOf } from '../../lib/errors.ts'
import { makeFileOnce } from '../../lib/folders.ts'
import type { Logger } from '../../lib/log.ts'
import { parseKey } from '../../lib/seal.ts'

/**
 * Loads the key that encrypts secrets: from the setting, from the file that a setting names, or from `secret.key` in
 * the data folder. That file is made if the database has no secrets yet. All servers on one database need the same key.
 * @throws ConfigError
 */
export async function loadSecretKey(
  { key: given, keyFile, ownFile }: { key: Buffer | undefined; keyFile: string | undefined; ownFile: string },
  { isSealed, log }: { isSealed: () => Promise<boolean>; log: Pick<Logger, 'warn'> },
): Promise<Buffer> {
  if (given !== undefined) return given
  const file = keyFile ?? ownFile
  if (keyFile === undefined && !(await exists(file))) {
    if (await isSealed())
      throw new ConfigError(
        `BOOTWRIGHT_DATA_DIR: ${file} is missing, and the database has secrets that only its key can decrypt. Next step: restore ${file} from a backup`,
      )
    await makeKeyFile(file)
  }
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new ConfigError(`BOOTWRIGHT_SECRET_KEY_FILE: cannot read ${file}: ${messageOf(error)}`)
  })
  await checkMode(file, keyFile === undefined, log)
  const key = parseKey(text)
  if (key === undefined)
    throw new ConfigError(
      `BOOTWRIGHT_SECRET_KEY_FILE: ${file}: expected 64 hexadecimal digits. To make a new key: openssl rand -hex 32`,
    )
  return key
}

/** Whether a file is there; true also if that cannot be found out. */
export async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
}

// A key that is mounted into a container is often readable for all its users. The file in the data folder never is.
async function checkMode(file: string, own: boolean, log: Pick<Logger, 'warn'>): Promise<void> {
  const mode = (await stat(file)).mode & 0o777
  if ((mode & 0o077) === 0) return
  const text = mode.toString(8).padStart(4, '0')
  if (own)
    throw new ConfigError(
      `BOOTWRIGHT_DATA_DIR: ${file}: expected mode 0600, got ${text}. Other users can read the key of all secrets. Next step: chmod 600 ${file}`,
    )
  log.warn({ file, mode: text }, 'other users can read the key of all secrets')
}

// If two servers start at the same time, one of them makes the file, and both read it. The file is synced to the disk
// before the key encrypts anything.
async function makeKeyFile(file: string): Promise<void> {
  await makeFileOnce(file, `${randomBytes(32).toString('hex')}\n`, 0o600)
}
