// Writes a batch of the journal in one transaction. Called by writer.ts.
import type { Db } from '../../../db/open.ts'
import type { Tx } from '../../../db/transaction.ts'
import { InputError } from '../../../lib/errors.ts'
import type { Seen } from '../../../model/deployment.ts'
import type { Facts } from '../../../model/facts.ts'
import { insertEvents, insertStrays } from '../../boots/events.ts'
import type { Hearers } from '../../boots/hearers.ts'
import { type Notice, recordNotices } from '../../boots/notices.ts'
import { hearBoots, insertBoots } from '../../boots/open-boot.ts'
import { hearReports, type WrittenReports, writeReports } from '../../boots/reports.ts'
import { recordClaim } from '../../machines/identity/claims.ts'
import { recordConflict } from '../../machines/identity/conflicts.ts'
import { type DiscoveryLimits, recordDiscovered } from '../../machines/identity/discovered.ts'
import { writeSeen } from '../../machines/identity/last-seen.ts'
import { takeOverDiscovered } from '../../machines/macs.ts'
import type { PlacedRecord, RecordKind } from '../records.ts'
import type { RunClock } from '../run-clock.ts'
import type { Batch } from './batches.ts'
import { applyEarly, type EarlyReport, keepEarly, takeEarly } from './early-reports.ts'
import { movePosition } from './positions.ts'

/** The fields of records that are read one by one. */
export type DiscoveredRecord = { machine_id: string; facts: Facts & { mac: string }; limits: DiscoveryLimits }
/** `takesOver`: the MAC certainly belongs to the machine. */
export type ClaimRecord = { machine_id: string; facts: Facts; takesOver: boolean }
export type ConflictRecord = { machines: string[]; facts: Facts }
export type NoticeRecord = { boot_id: string; ip: string; message: string }
export type ReportRecord = { boot_id: string; seen: Seen; ip: string; message?: string }

/** What happens after the commit: the log and the metrics hear of it, and early reports are applied. */
export type AfterCommit = () => Promise<void>

/**
 * Writes a batch and the new position of its run. Undefined if the run's position is not `from`.
 */
export async function writeBatch(
  db: Db,
  { run, from, clock }: { run: string; from: number; clock: RunClock },
  { records, groups }: Batch,
  hearers: Hearers,
): Promise<AfterCommit | undefined> {
  if (groups.has('unknown')) throw new InputError(unknownRecord)
  const to = records.at(-1)?.end ?? from
  const asked = clock.read()
  return db.transaction(async (tx) => {
    const begun = clock.read()
    const databaseNow = await movePosition(tx, run, from, to)
    if (databaseNow === undefined) return undefined
    const now = clock.at(databaseNow, asked, begun)
    const strays = groups.get('stray')
    const placed =
      strays &&
      (await insertStrays(
        tx,
        jsonOf(strays),
        strays.map(({ keys }) => keys.n),
        now,
      ))
    await writeIdentities(tx, groups)
    const boots = groups.get('boot')
    const opened = boots && (await insertBoots(tx, jsonOf(boots), now, placed))
    const seen = groups.get('seen')
    if (seen !== undefined) await writeSeen(tx, jsonOf(seen), now)
    const events = groups.get('event')
    const stages = events && (await insertEvents(tx, jsonOf(events), now))
    const notices = fieldsOf<NoticeRecord>(groups, 'notice').map(
      ({ boot_id, ip, message }): Notice => ({ bootId: boot_id, ip, message }),
    )
    await recordNotices(tx, notices)
    const reports = await writeReportRecords(tx, groups, now)
    return async () => {
      if (opened !== undefined) hearBoots(opened, hearers)
      for (const { stage, seconds } of stages ?? []) hearers.metrics?.stage(stage, seconds)
      if (reports !== undefined) await hearReports(db, reports, hearers)
      const changed = opened?.filter(({ isNew }) => isNew).map(({ boot }) => boot) ?? []
      const early = reports?.unknown.map(({ bootId }) => bootId) ?? []
      await applyEarly(db, hearers, [...changed, ...early])
    }
  })
}

const unknownRecord = { field: 'record', value: '', expected: 'a kind of record of this version' }

/** Moves the position of a run over a record that is not written. False if the position is not `from`. */
export async function skipRecord(db: Db, run: string, from: number, to: number): Promise<boolean> {
  return db.transaction(async (tx) => (await movePosition(tx, run, from, to)) !== undefined)
}

async function writeIdentities(tx: Tx, groups: Batch['groups']): Promise<void> {
  for (const { machine_id: id, facts, limits } of fieldsOf<DiscoveredRecord>(groups, 'discovered'))
    await recordDiscovered(tx, { id, facts }, limits)
  for (const { machine_id: id, facts, takesOver } of fieldsOf<ClaimRecord>(groups, 'claim')) {
    await recordClaim(tx, id, facts)
    if (takesOver && facts.mac !== undefined) await takeOverDiscovered(tx, id, [facts.mac])
  }
  for (const { machines, facts } of fieldsOf<ConflictRecord>(groups, 'conflict'))
    await recordConflict(tx, machines, facts)
}

async function writeReportRecords(
  tx: Tx,
  groups: Batch['groups'],
  now: number,
): Promise<WrittenReports<EarlyReport> | undefined> {
  const list = fieldsOf<ReportRecord & { id: string; ms: number }>(groups, 'report').map(
    ({ id, ms, boot_id: bootId, seen, ip, message }): EarlyReport => ({
      ...{ id, bootId, seen, ip, message },
      ageMs: Math.max(0, now - ms),
    }),
  )
  if (list.length === 0) return undefined
  // Earlier reports of these boots may wait for a boot that was recorded a moment ago.
  const early = await takeEarly(
    tx,
    list.map(({ bootId }) => bootId),
  )
  const written = await writeReports(tx, [...early, ...list])
  await keepEarly(tx, written.unknown)
  return written
}

function jsonOf(list: PlacedRecord[]): string {
  return `[${list.map(({ text }) => text).join(',')}]`
}

function fieldsOf<Fields>(groups: Batch['groups'], kind: RecordKind): Fields[] {
  return (groups.get(kind) ?? []).map(({ text }) => JSON.parse(text) as Fields)
}
