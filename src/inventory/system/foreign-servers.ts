// The standing list of DHCP and boot servers that are not this one.

import { asc, desc, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { foreignServers } from '../../db/schema/system.ts'
import { requireFound } from '../../lib/errors.ts'
import type { ForeignServer } from '../../model/foreign-server.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'

/** The servers, unacknowledged ones first, then the most recently seen. At most `maxForeignServers`. */
export async function listForeignServers(db: Db): Promise<ForeignServer[]> {
  return db
    .select()
    .from(foreignServers)
    .orderBy(sql`acknowledged_at is not null`, desc(foreignServers.lastSeenAt), asc(foreignServers.id))
}

/** Counts the servers that no operator acknowledged, by role. */
export async function countUnacknowledgedServers(db: Db): Promise<{ role: ForeignServer['role']; count: number }[]> {
  return db
    .select({ role: foreignServers.role, count: sql<number>`count(*)::int` })
    .from(foreignServers)
    .where(sql`acknowledged_at is null`)
    .groupBy(foreignServers.role)
}

/** Marks a server as expected on this network. @throws NotFoundError */
export async function acknowledgeServer(
  db: Db,
  id: string,
  note: string | undefined,
  by: Actor,
): Promise<ForeignServer> {
  return db.transaction(async (tx) => {
    const [server] = await tx
      .update(foreignServers)
      .set({ acknowledgedAt: sql`now()`, acknowledgedBy: by, note: note ?? null })
      .where(eq(foreignServers.id, id))
      .returning()
    requireFound(server, `foreign server ${id}`)
    const { address, role, interface: device } = server
    const after = { address, role, interface: device, ...(note !== undefined && { note }) }
    await recordChanges(tx, [{ actor: by, type: 'foreign-server.acknowledged', subject: id, after }])
    return server
  })
}

/** Deletes a server from the list. If it is seen again, it is new. @throws NotFoundError */
export async function forgetServer(db: Db, id: string, by: Actor): Promise<void> {
  await db.transaction(async (tx) => {
    const [server] = await tx.delete(foreignServers).where(eq(foreignServers.id, id)).returning()
    requireFound(server, `foreign server ${id}`)
    const { address, role, interface: device } = server
    const before = { address, role, interface: device }
    await recordChanges(tx, [{ actor: by, type: 'foreign-server.forgotten', subject: id, before }])
  })
}
