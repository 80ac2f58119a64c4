import { sql } from 'drizzle-orm'
import type { Db } from '../db/open.ts'
import type { changes } from '../db/schema.ts'

/** Who does something: a token's name, `operator` at the socket in the data folder, a machine, or the server itself. */
export type Actor = string

/** Who acts where nobody is named: the server by itself. */
export const system: Actor = 'bootwright'

/** One thing that was changed. `type` is `<noun>.<what happened>`; `before` and `after` are what the API shows of it. */
export type Change = { actor: Actor; type: string; subject: string; before?: unknown; after?: unknown }

/** Records changes, in the transaction that makes them. */
export async function recordChanges(db: Db, list: Change[]): Promise<void> {
  for (let at = 0; at < list.length; at += 1000) {
    const rows = list.slice(at, at + 1000)
    await db.execute(sql`
      insert into changes (actor, type, subject, before, after)
      select actor, type, subject, before, after
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as c(actor text, type text, subject text, before jsonb, after jsonb)`)
  }
}

/** A change as it was recorded. */
export type RecordedChange = typeof changes.$inferSelect

/** What a change is called, by what there was and what there is now. */
export function changeType(noun: string, before: unknown, after: unknown): string {
  return `${noun}.${before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed'}`
}

/** Forgets changes older than so many days. */
export async function pruneChanges(db: Db, days: number): Promise<void> {
  await db.execute(sql`delete from changes where at < now() - ${days} * interval '1 day'`)
}
