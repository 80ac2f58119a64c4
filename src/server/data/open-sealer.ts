// The sealer of this database: its secret key, and the advice after a lost key.
import type { Config } from '../../config/config.ts'
import type { DataFolder } from '../../config/data-folder.ts'
import type { Db } from '../../db/open.ts'
import { claimSecretKey, countSealed, findSealingKeys, forgetKey } from '../../inventory/system/installation.ts'
import { ConfigError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { createSealer, type Sealer } from '../../lib/seal.ts'
import { exists, loadSecretKey } from './secret-key.ts'

/**
 * Opens the sealer of a server that has run before, without the database. Undefined if the key is missing, or if a
 * setting changes it.
 */
export async function openKnownSealer(
  { key, keyFile, forgetKey: lost }: Config['secrets'],
  folder: DataFolder,
  log: Logger,
): Promise<Sealer | undefined> {
  const isThere = key !== undefined || keyFile !== undefined || (await exists(folder.secretKey))
  if (!isThere || lost !== undefined) return undefined
  const isSealed = async () => true
  return createSealer(await loadSecretKey({ key, keyFile, ownFile: folder.secretKey }, { isSealed, log }))
}

/**
 * Opens the sealer with the key that this database has used since its first start.
 * @throws ConfigError if this server has another key. Without this check, the first answer file would fail.
 */
export async function openSealer(secrets: Config['secrets'], folder: DataFolder, db: Db, log: Logger): Promise<Sealer> {
  const { key: givenKey, keyFile, forgetKey: lost } = secrets
  if (lost !== undefined && (await findSealingKeys(db)).includes(lost))
    log.warn(
      { key: lost, ...(await forgetKey(db, lost)) },
      'deleted a lost key, and all secrets, webhooks and power settings that only this key could decrypt',
    )
  const isSealed = async () => (await findSealingKeys(db)).length > 0
  const key = await loadSecretKey({ key: givenKey, keyFile, ownFile: folder.secretKey }, { isSealed, log }).catch(
    async (error: unknown) => {
      if (!(error instanceof ConfigError) || !(await isSealed())) throw error
      throw new ConfigError(`${error.message}. ${await lostKeyAdvice(db, await findSealingKeys(db))}`, { cause: error })
    },
  )
  const sealer = createSealer(key)
  const foreign = (await findSealingKeys(db)).filter((id) => id !== sealer.keyId)
  if (foreign.length === 0) {
    // If two servers start for the first time at the same moment, the second finds the key of the first.
    const claimed = await claimSecretKey(db, sealer.keyId)
    if (claimed === sealer.keyId) return sealer
    foreign.push(claimed)
  }
  const file = keyFile ?? folder.secretKey
  const source = givenKey === undefined ? file : 'BOOTWRIGHT_SECRET_KEY'
  throw new ConfigError(
    `BOOTWRIGHT_SECRET_KEY_FILE: expected the key ${foreign.join(', ')} of this database, got the key ${sealer.keyId} from ${source}. ` +
      `Next step: copy secret.key from the data folder of a server that works with this database to ${file}. ${await lostKeyAdvice(db, foreign)}`,
  )
}

async function lostKeyAdvice(db: Db, keys: string[]): Promise<string> {
  const [key = ''] = keys
  const { secrets, webhooks, powers } = await countSealed(db, key)
  return (
    `If the key ${key} is lost, start once with BOOTWRIGHT_FORGET_KEY=${key}. The server then uses another key ` +
    `and deletes everything that only the lost key can decrypt: ${secrets} secrets, ${webhooks} webhooks, ${powers} passwords of BMCs`
  )
}
