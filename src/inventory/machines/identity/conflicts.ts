// Records and lists requests that match several machines.

import { desc, eq, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { conflicts } from '../../../db/schema/machines.ts'
import type { Facts } from '../../../model/facts.ts'
import { nameOf } from '../../../model/machine.ts'
import type { FindSituation } from '../../roster/roster.ts'

/** Several machines that operators entered, and one request that fits them all. */
export type Conflict = {
  machines: { id: string; name: string }[]
  why: string
  /** The facts of the last such request. */
  facts: Facts
  firstAt: Date
  lastAt: Date
  times: number
}

/** Records that a request matched several machines; repeated conflicts are counted. */
export async function recordConflict(db: Db, machineIds: string[], facts: Facts): Promise<void> {
  const key = machineIds.toSorted().join(' ')
  await db
    .insert(conflicts)
    .values({ key, facts })
    .onConflictDoUpdate({
      target: conflicts.key,
      set: { facts, lastAt: sql`now()`, times: sql`${conflicts.times} + 1` },
    })
}

/** The present conflicts, the newest first. Conflicts that were settled meanwhile are deleted. */
export async function listConflicts(db: Db, findSituation: FindSituation): Promise<Conflict[]> {
  const rows = await db.select().from(conflicts).orderBy(desc(conflicts.lastAt)).limit(1000)
  const found: Conflict[] = []
  for (const { key, ...row } of rows) {
    const { identity } = await findSituation(row.facts)
    if ('conflict' in identity) {
      const machines = identity.conflict.map((machine) => ({ id: machine.id, name: nameOf(machine) }))
      found.push({ ...row, machines, why: identity.why })
    } else await db.delete(conflicts).where(eq(conflicts.key, key))
  }
  return found
}
