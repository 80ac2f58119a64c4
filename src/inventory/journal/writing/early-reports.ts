// Reports that reach the database before their boot. Called by write-batch.ts and the housekeeping.
import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Tx } from '../../../db/transaction.ts'
import type { Hearers } from '../../boots/hearers.ts'
import { hearReports, type Sighting, writeReports } from '../../boots/reports.ts'

/** A report with its id. */
export type EarlyReport = Sighting & { id: string }

/** Keeps reports until their boots are recorded. */
export async function keepEarly(tx: Tx, list: EarlyReport[]): Promise<void> {
  if (list.length === 0) return
  await tx.execute(sql`
    insert into early_reports (id, boot_id, seen, ip, message, at)
    select id, "bootId", seen, ip, message, now() - "ageMs" * interval '1 millisecond'
    from jsonb_to_recordset(${JSON.stringify(list)}::jsonb)
      as r(id uuid, "bootId" uuid, seen text, ip text, message text, "ageMs" float8)
    on conflict do nothing`)
}

/** Takes the early reports of boots that are recorded now, in their order. `bootIds` undefined: of all boots. */
export async function takeEarly(tx: Tx, bootIds?: string[]): Promise<EarlyReport[]> {
  const ofThese =
    bootIds === undefined
      ? sql`true`
      : sql`boot_id in (select jsonb_array_elements_text(${JSON.stringify(bootIds)}::jsonb)::uuid)`
  const taken = await tx.execute(sql`
    with taken as (
      delete from early_reports where ${ofThese} and exists (select 1 from boots where boots.id = early_reports.boot_id)
      returning *)
    select id, boot_id as "bootId", seen, ip, message, extract(epoch from now() - at)::float8 * 1000 as "ageMs"
    from taken order by seq`)
  return rowsOf<EarlyReport & { message: string | null }>(taken).map((report) => ({
    ...report,
    message: report.message ?? undefined,
    ageMs: Math.max(0, report.ageMs),
  }))
}

/**
 * Applies the early reports of boots that are recorded now. The server that opened a boot and the server that got its report both
 * call this after their commit: whichever commits last sees both.
 */
export async function applyEarly(db: Db, hearers: Hearers, bootIds?: string[]): Promise<void> {
  if (bootIds?.length === 0) return
  const applied = await db.transaction(async (tx) => {
    const early = await takeEarly(tx, bootIds)
    return early.length === 0 ? undefined : writeReports(tx, early)
  })
  if (applied !== undefined) await hearReports(db, applied, hearers)
}

/** Deletes reports of boots that never came: a token is valid for 48 hours. */
export async function pruneEarly(db: Db): Promise<void> {
  await db.execute(sql`delete from early_reports where at < now() - interval '48 hours'`)
}
