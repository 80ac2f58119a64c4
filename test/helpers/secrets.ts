import type { Db } from '../../src/db/open.ts'
import { findSealed, openSealed } from '../../src/inventory/machines/secrets.ts'
import type { Sealer } from '../../src/lib/seal.ts'

/** The secrets of a machine and of groups, the weakest first, in clear. */
export async function openSecrets(
  db: Db,
  sealer: Sealer,
  machineId: string | undefined,
  groups: string[],
): Promise<Record<string, string>> {
  return openSealed(sealer, await findSealed(db, machineId, groups), groups)
}
