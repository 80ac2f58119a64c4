import type { Db } from '../../src/db/open.ts'
import { hasSqlState } from '../../src/db/sql-state.ts'
import { type DiscoveryLimits, recordDiscovered as record } from '../../src/inventory/machines/identity/discovered.ts'
import { findMachine } from '../../src/inventory/machines/machines.ts'
import { newId } from '../../src/lib/ids/uuid.ts'
import type { Facts } from '../../src/model/facts.ts'
import type { Machine } from '../../src/model/machine.ts'

/** Records a machine that was never seen before, and returns it. */
export async function recordDiscovered(db: Db, facts: Facts, limits: DiscoveryLimits): Promise<Machine | undefined> {
  const { mac } = facts
  if (mac === undefined) return undefined
  await db
    .transaction((tx) => record(tx, { id: newId(), facts: { ...facts, mac } }, limits))
    .catch((error: unknown) => {
      // Another request of the machine was first.
      if (!hasSqlState(error, '23505')) throw error
    })
  return findMachine(db, { mac })
}
