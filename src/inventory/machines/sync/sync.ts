// Synchronizes machines with the rows of an owner: a plan first, then all of it or nothing.

import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Tx } from '../../../db/transaction.ts'
import { canonical } from '../../../lib/canonical.ts'
import { ConflictError, InputError } from '../../../lib/errors.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { archiveMachines, writeArchived } from '../archive/archive.ts'
import { auditViewOf } from '../machines.ts'
import type { PlannedRow } from '../plan.ts'
import { write } from '../rows/write.ts'
import { findForSync } from './find-existing.ts'
import { planSync } from './plan.ts'
import { type PruneLimit, pruneRefusal } from './removals.ts'
import type { SyncOptions, SyncPlan, SyncRow } from './row.ts'

/** The limit of rows: all of them are planned together, in memory. */
export const maxSyncRows = 50_000
const maxAttempts = 5

/** `dryRun`: only plan. `expect`: the digest of the plan that must be carried out, or nothing is. */
export type SyncHow = SyncOptions & { pruneMax: PruneLimit; dryRun: boolean; expect?: string | undefined }

/** A plan. `refusal`: why the limit of prune refuses it. The digest is the same for the same changes. */
export type Synced = { plan: SyncPlan; digest: string; refusal: string | undefined; applied: boolean }

/**
 * Plans the rows of an owner, and carries the plan out unless a row is bad.
 * @throws InputError for too many rows. ConflictError while another sync of the owner runs, if the limit of prune refuses the plan, or if
 * the plan is not the expected one. Also ConflictError if other requests keep changing the same machines
 */
export async function syncMachines(db: Db, rows: SyncRow[], how: SyncHow, by: Actor): Promise<Synced> {
  if (rows.length > maxSyncRows)
    throw new InputError({ field: 'body', value: `${rows.length} rows`, expected: `at most ${maxSyncRows} rows` })
  if (how.dryRun) return planNow(db, rows, how)
  return db.transaction(async (transaction) => {
    const tx = transaction
    const [lock] = rowsOf<{ taken: boolean }>(
      await tx.execute(sql`select pg_try_advisory_xact_lock(hashtextextended(${`sync ${how.owner}`}, 0)) as taken`),
    )
    if (!lock?.taken) throw new ConflictError(`another sync of owner ${how.owner} is running. Try again later`)
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const planned = await planNow(tx, rows, how)
      const { plan, digest, refusal } = planned
      if (plan.bad.length > 0) return planned
      if (refusal !== undefined) throw new ConflictError(`${refusal}. Nothing was changed`)
      if (how.expect !== undefined && how.expect !== digest)
        throw new ConflictError(
          'the plan is another one now: nothing was changed. Next step: repeat the preview (dryRun)',
        )
      if (await carryOut(tx, plan, how.owner, by)) return { ...planned, applied: true }
    }
    throw new ConflictError('other requests are changing the same machines. Try again later')
  })
}

async function planNow(db: Db, rows: SyncRow[], how: SyncHow): Promise<Synced> {
  const { owner, prune, pruneMax } = how
  const plan = planSync(rows, await findForSync(db, rows, owner, maxSyncRows), how)
  const refusal = prune ? pruneRefusal(plan, pruneMax, owner) : undefined
  return { plan, digest: digestOf(plan), refusal, applied: false }
}

class RacedError extends Error {
  override name = 'RacedError'
}

/** False if another request changed the planned machines meanwhile: then nothing is changed. */
async function carryOut(tx: Tx, plan: SyncPlan, owner: string, by: Actor): Promise<boolean> {
  try {
    await tx.transaction((inner) => carryOutAll(inner, plan, owner, by))
    return true
  } catch (error) {
    if (error instanceof RacedError) return false
    throw error
  }
}

async function carryOutAll(tx: Tx, { rows, removals, moved }: SyncPlan, owner: string, by: Actor): Promise<void> {
  const archived = removals.filter(({ outcome }) => outcome === 'archived').map(({ machine }) => machine)
  const reason = `the sync of ${owner} no longer names it`
  if (!(await archiveMachines(tx, archived, { by, reason }))) throw new RacedError()
  const restored = rows.flatMap(({ restores }) => restores ?? [])
  if (!(await writeArchived(tx, restored, by))) throw new RacedError()
  const released = removals.flatMap(({ machine, after, owners }): PlannedRow[] =>
    after === undefined || owners === undefined
      ? []
      : [{ line: 0, outcome: 'changed', before: machine, after, takesOver: [], owners }],
  )
  const work: PlannedRow[] = [
    ...moved,
    ...released,
    ...rows.flatMap(({ outcome, ...row }) =>
      outcome === 'unchanged' ? [] : [{ ...row, outcome: outcome === 'restored' ? ('changed' as const) : outcome }],
    ),
  ]
  if (work.length > 0 && !(await write(tx, work, by))) throw new RacedError()
  await writeSources(tx, rows, removals, owner)
  const counts = countsOf({ rows, removals })
  if (counts.created + counts.changed + counts.restored + counts.archived + counts.released > 0)
    await recordChanges(tx, [{ actor: by, type: 'machine.synced', subject: owner, after: counts }])
}

/** Which machines the owner names, with their outside ids. Two machines may exchange theirs. */
async function writeSources(
  tx: Tx,
  rows: SyncPlan['rows'],
  removals: SyncPlan['removals'],
  owner: string,
): Promise<void> {
  const named = rows.filter(({ outcome }) => outcome !== 'unchanged')
  const list = JSON.stringify(named.map(({ after, externalId }) => ({ id: after.id, external: externalId ?? null })))
  // A machine that another owner archived no longer belongs to that owner.
  const restored = JSON.stringify(
    rows.flatMap(({ restores, after: { sources = [] } }) =>
      restores ? [{ id: restores.id, owners: sources.map((source) => source.owner) }] : [],
    ),
  )
  await tx.execute(sql`
    delete from machine_sources as s using jsonb_to_recordset(${restored}::jsonb) as r(id uuid, owners jsonb)
    where s.machine_id = r.id and not r.owners ? s.owner`)
  const gone = JSON.stringify(removals.flatMap(({ outcome, machine }) => (outcome === 'released' ? [machine.id] : [])))
  await tx.execute(sql`
    delete from machine_sources where owner = ${owner} and (
      machine_id in (select id from jsonb_to_recordset(${list}::jsonb) as r(id uuid))
      or machine_id in (select value::uuid from jsonb_array_elements_text(${gone}::jsonb)))`)
  await tx.execute(sql`
    insert into machine_sources (owner, machine_id, external_id)
    select ${owner}, id, external from jsonb_to_recordset(${list}::jsonb) as r(id uuid, external text)`)
}

/** How many rows and machines have each outcome. */
export function countsOf({ rows, removals }: Pick<SyncPlan, 'rows' | 'removals'>) {
  const rowsWith = (outcome: string) => rows.filter((row) => row.outcome === outcome).length
  const removed = (outcome: string) => removals.filter((removal) => removal.outcome === outcome).length
  return {
    created: rowsWith('created'),
    changed: rowsWith('changed'),
    restored: rowsWith('restored'),
    unchanged: rowsWith('unchanged'),
    archived: removed('archived'),
    released: removed('released'),
  }
}

/** New machines have other ids in each plan, so their ids do not count. Rows without an effect do not count either. */
function digestOf({ rows, removals, moved, bad }: SyncPlan): string {
  const changes = {
    bad,
    rows: rows
      .filter(({ outcome }) => outcome !== 'unchanged')
      .map(({ before, after, owners, externalId, takesOver, restores }) => ({
        id: before?.id,
        ...{
          revision: before?.revision,
          values: auditViewOf(after),
          owners,
          externalId,
          takesOver,
          archived: restores?.id,
        },
      })),
    removals: removals.map(({ outcome, machine }) => ({ outcome, id: machine.id, revision: machine.revision })),
    moved: moved.map(({ after }) => ({ id: after.id, macs: after.macs })),
  }
  return createHash('sha256').update(canonical(changes)).digest('hex').slice(0, 32)
}
