// Claims of machines by requests with another MAC. Called by inventory/open.ts.
import { LRUCache } from 'lru-cache'
import type { Db } from '../../db/open.ts'
import { isOutage } from '../../lib/outage.ts'
import { inTime } from '../../lib/time/in-time.ts'
import type { Facts } from '../../model/facts.ts'
import type { Machine } from '../../model/machine.ts'
import { recordClaim } from '../machines/identity/claims.ts'
import { takeOverDiscovered } from '../machines/macs.ts'
import type { Roster } from '../roster/roster.ts'
import type { Journal } from './open-journal.ts'

/** Records a claim. Resolves with true if it is new, so that the identity must be looked up again. */
export type RecordClaim = (machine: Machine, facts: Facts, options: { isSure: boolean }) => Promise<boolean>

/** Limit of claims that this server remembers, so that it does not record them at each boot. */
const maxRemembered = 10_000

/**
 * A first claim for a machine that is otherwise certain is written before the answer: of two computers with the same UUID, only one
 * may install. Without the database, the roster distinguishes the requests of this server. All other claims go into the journal.
 */
export function createRecordClaim(db: Db, roster: Roster, journal: Pick<Journal, 'note'>, waitMs: number): RecordClaim {
  const remembered = new LRUCache<string, true>({ max: maxRemembered })
  return async (machine, facts, { isSure }) => {
    // If an operator changes these values, the claim is a new one.
    const key = JSON.stringify([machine.id, machine.macs, machine.uuid, machine.serial, machine.product, facts.mac])
    if (remembered.has(key)) return false
    remembered.set(key, true)
    if (isSure && roster.away() === undefined && (await writeNow(db, machine.id, facts, waitMs))) return true
    journal.note('claim', { machine_id: machine.id, facts, takesOver: isSure })
    return true
  }
}

/** False if the database does not answer in time. */
async function writeNow(db: Db, machineId: string, facts: Facts, waitMs: number): Promise<boolean> {
  const writing = db
    .transaction(async (tx) => {
      await recordClaim(tx, machineId, facts)
      if (facts.mac !== undefined) await takeOverDiscovered(tx, machineId, [facts.mac])
      return true
    })
    .catch((error: unknown) => {
      if (isOutage(error)) return false
      throw error
    })
  return (await inTime(writing, waitMs)) ?? false
}
