import type { Config } from '../../config/config.ts'
import type { DataFolder } from '../../config/data-folder.ts'
import type { Db } from '../../db/open.ts'
import { claimSecretKey, countSealed, findSealingKeys, forgetKey } from '../../inventory/system/installation.ts'
import { ConfigError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { createSealer, type Sealer } from '../../lib/seal.ts'
import { loadSecretKey } from './secret-key.ts'

/**
 * Opens the sealer of secrets with the key that this database has had since its first start.
 * @throws ConfigError when this server has another key: otherwise the first answer file would fail
 */
export async function openSealer(secrets: Config['secrets'], folder: DataFolder, db: Db, log: Logger): Promise<Sealer> {
  const { key: givenKey, keyFile, forgetKey: lost } = secrets
  if (lost !== undefined && (await findSealingKeys(db)).includes(lost))
    log.warn(
      { key: lost, ...(await forgetKey(db, lost)) },
      'deleted a lost key and everything that only this key could open',
    )
  const isSealed = async () => (await findSealingKeys(db)).length > 0
  const key = await loadSecretKey({ key: givenKey, keyFile, ownFile: folder.secretKey }, { isSealed, log }).catch(
    async (error: unknown) => {
      if (!(error instanceof ConfigError) || !(await isSealed())) throw error
      throw new ConfigError(`${error.message}. ${await wayOut(db, await findSealingKeys(db))}`, { cause: error })
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
  const own = givenKey === undefined ? file : 'BOOTWRIGHT_SECRET_KEY'
  throw new ConfigError(
    `BOOTWRIGHT_SECRET_KEY_FILE: this database is sealed with the key ${foreign.join(', ')}, and ${own} is the key ${sealer.keyId}. ` +
      `Next step: copy secret.key from the data folder of the server that works with this database to ${file}. ${await wayOut(db, foreign)}`,
  )
}

async function wayOut(db: Db, keys: string[]): Promise<string> {
  const [key = ''] = keys
  const { secrets, webhooks } = await countSealed(db, key)
  return (
    `If the key ${key} is lost, BOOTWRIGHT_FORGET_KEY=${key} npm start continues with another key ` +
    `and deletes everything that only that key opens: ${secrets} secrets, ${webhooks} webhooks`
  )
}
