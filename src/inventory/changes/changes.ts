// The audit log: records and lists changes.

import { and, asc, desc, eq, gte, inArray, like, lt, not, or, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { changes } from '../../db/schema/changes.ts'
import type { Tx } from '../../db/transaction.ts'
import { type NamedChange, nameMachines } from './machines.ts'
import type { ChangeType } from './types.ts'

/** The actor of a change: a token's name, `operator` at the socket in the data folder, a machine, or the server. */
export type Actor = string

/** The server as an actor. */
export const system: Actor = 'bootwright'

/** One change. `type` is `<noun>.<event>`; `before` and `after` are the thing as the API shows it. */
export type Change = { actor: Actor; type: ChangeType; subject: string; before?: unknown; after?: unknown }

/** Records changes, in the transaction that makes them. */
export async function recordChanges(tx: Tx, list: Change[]): Promise<void> {
  for (let at = 0; at < list.length; at += 1000) {
    const rows = list.slice(at, at + 1000)
    await tx.execute(sql`
      insert into changes (actor, type, subject, before, after)
      select actor, type, subject, before, after
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as c(actor text, type text, subject text, before jsonb, after jsonb)`)
  }
}

/** A change as it was recorded. */
export type RecordedChange = typeof changes.$inferSelect

/** A place in the order of changes: after this one. */
export type ChangeCursor = { tx: number; id: number }

export type ChangeFilter = {
  /** One, or any of several. */
  subject?: string | string[] | undefined
  actor?: string | undefined
  /** A type, or its beginning: `deployment` or `deployment.failed`. */
  type?: string | undefined
  /** Types, or their beginnings, that are left out. */
  exceptTypes?: readonly string[] | undefined
  since?: Date | undefined
  until?: Date | undefined
}

/** The audit log, newest first: changes before the id `before`. */
export async function listChanges(
  db: Db,
  { subject, actor, type, exceptTypes = [], since, until }: ChangeFilter,
  limit: number,
  before?: number,
): Promise<NamedChange[]> {
  const conditions = and(
    subject === undefined ? undefined : inArray(changes.subject, [subject].flat()),
    actor === undefined ? undefined : eq(changes.actor, actor),
    type === undefined ? undefined : typeIn([type]),
    ...exceptTypes.map((except) => not(typeIn([except]))),
    since === undefined ? undefined : gte(changes.at, since),
    until === undefined ? undefined : lt(changes.at, until),
    before === undefined ? undefined : lt(changes.id, before),
  )
  return nameMachines(db, await db.select().from(changes).where(conditions).orderBy(desc(changes.id)).limit(limit))
}

/**
 * Changes in a stable order: by transaction, and only those older than every open transaction. So a transaction that commits late
 * comes late and is not skipped.
 */
export async function listChangesAfter(db: Db, { tx, id }: ChangeCursor, limit: number): Promise<NamedChange[]> {
  const rows = await db
    .select()
    .from(changes)
    .where(and(sql`(${changes.tx}, ${changes.id}) > (${tx}::bigint, ${id}::bigint)`, isSettled))
    .orderBy(asc(changes.tx), asc(changes.id))
    .limit(limit)
  return nameMachines(db, rows)
}

/** The position after all changes that are settled now. */
export async function lastChange(db: Db): Promise<ChangeCursor> {
  const rows = await db
    .select({ tx: changes.tx, id: changes.id })
    .from(changes)
    .where(isSettled)
    .orderBy(desc(changes.tx), desc(changes.id))
    .limit(1)
  return rows[0] ?? { tx: 0, id: 0 }
}

/** Whether the change at a position still exists; the position before the first always does. */
export async function isKept(db: Db, { tx, id }: ChangeCursor): Promise<boolean> {
  if (tx === 0 && id === 0) return true
  const rows = await db
    .select({ id: changes.id })
    .from(changes)
    .where(and(eq(changes.tx, tx), eq(changes.id, id)))
  return rows.length > 0
}

/** Whether a type is one of those, or begins with one of them; with none all are. */
export function isOfTypes(type: string, types: string[]): boolean {
  return types.length === 0 || types.some((prefix) => type === prefix || type.startsWith(`${prefix}.`))
}

const isSettled = sql`${changes.tx} < (pg_snapshot_xmin(pg_current_snapshot())::text)::bigint`

function typeIn(types: string[]): SQL {
  const conditions = types.map((prefix) =>
    or(eq(changes.type, prefix), like(changes.type, `${prefix.replaceAll(/[\\%_]/g, '\\$&')}.%`)),
  )
  return or(...conditions) ?? sql`false`
}

/** Deletes changes older than `days`. */
export async function pruneChanges(db: Db, days: number): Promise<void> {
  await db.execute(sql`delete from changes where at < now() - ${days} * interval '1 day'`)
}
