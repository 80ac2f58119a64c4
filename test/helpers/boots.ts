import type { Db } from '../../src/db/open.ts'
import { decide } from '../../src/decide/decision.ts'
import { createOpenBoot, newBootKeys } from '../../src/inventory/boots/open-boot.ts'
import { createFindSituation } from '../../src/inventory/boots/situation.ts'
import type { Decision } from '../../src/model/decision.ts'
import type { Facts } from '../../src/model/facts.ts'

/** The current decision for a machine with these facts. */
export async function decideFor(db: Db, facts: Facts): Promise<Decision> {
  return decide(await createFindSituation(db)(facts)).decision
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
  const keys = newBootKeys()
  const decision = change(await decideFor(db, facts))
  await createOpenBoot(db)({ ...keys, facts, ip, decision, script: `#!ipxe\n# ${keys.token}\n`, reports })
  return keys
}
