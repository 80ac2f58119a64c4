import type { Db } from '../../src/db/open.ts'
import { decide } from '../../src/decide/decision.ts'
import { bootRecordOf, insertBoots, type NewBoot, newBootKeys } from '../../src/inventory/boots/open-boot.ts'
import { formatRecord } from '../../src/inventory/journal/records.ts'
import { createSealer } from '../../src/lib/seal.ts'
import type { Decision } from '../../src/model/decision.ts'
import type { Facts } from '../../src/model/facts.ts'
import { createDirectSituation } from './direct-situation.ts'

/** The sealer of test servers. */
export const testSealer = createSealer(Buffer.alloc(32, 1))

/** A boot's id and its token. */
export function testBootKeys(): { id: string; token: string } {
  return newBootKeys(testSealer.tokenOf)
}

/** Records a boot as the journal does, in a transaction of its own. */
export async function openBoot(db: Db, boot: NewBoot): Promise<void> {
  const { text } = formatRecord('boot', 0, 0, bootRecordOf(boot))
  await db.transaction((tx) => insertBoots(tx, `[${text}]`, 0))
}

/** The current decision for a machine with these facts. */
export async function decideFor(db: Db, facts: Facts): Promise<Decision> {
  return decide(await createDirectSituation(db)(facts)).decision
}

/** Opens a boot as a request for a script does, for a machine at an address. Returns its id and its token. */
export async function openBootFor(
  db: Db,
  facts: Facts,
  ip: string,
  {
    change = (decision: Decision) => decision,
    reports = true,
  }: { change?: (decision: Decision) => Decision; reports?: boolean } = {},
): Promise<{ id: string; token: string }> {
  const keys = testBootKeys()
  const decision = change(await decideFor(db, facts))
  await openBoot(db, { ...keys, facts, ip, decision, script: `#!ipxe\n# ${keys.token}\n`, reports })
  return keys
}
