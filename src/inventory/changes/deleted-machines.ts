// Machines that were deleted, as the audit log keeps them.

import { and, asc, eq, gt } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { changes } from '../../db/schema/changes.ts'

/** The entered fields of a deleted machine. */
export type DeletedMachine = { id: number; before: unknown }

/** The machines that a transaction deleted, those after the change `after`. */
export async function listDeleted(db: Db, tx: number, limit: number, after = 0): Promise<DeletedMachine[]> {
  return db
    .select({ id: changes.id, before: changes.before })
    .from(changes)
    .where(and(eq(changes.tx, tx), gt(changes.id, after), eq(changes.type, 'machine.deleted')))
    .orderBy(asc(changes.id))
    .limit(limit)
}
