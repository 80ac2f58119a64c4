// Boots: listed, stalled and deleted.

import { and, desc, eq, gte, isNull, lt, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { boots } from '../../db/schema/boots.ts'
import type { Boot, BootSummary, Outcome } from '../../model/boot.ts'
import { recordChanges, system } from '../changes/changes.ts'
import { placeOf } from '../common/place.ts'
import { isOfMachineWith } from '../machines/list.ts'
import { reportedWithinSeconds, stallLimits } from './stalls.ts'

const summaryColumns = {
  id: boots.id,
  seq: boots.seq,
  machineId: boots.machineId,
  name: sql<string | null>`${boots.decision} #>> '{machine,name}'`,
  mac: boots.mac,
  ip: boots.ip,
  image: boots.image,
  version: boots.version,
  deploymentId: boots.deploymentId,
  stage: boots.stage,
  movedAt: boots.movedAt,
  progress: boots.progress,
  heardAt: boots.heardAt,
  outcome: boots.outcome,
  message: boots.message,
  refusalCode: sql<string | null>`${boots.decision} #>> '{spec,code}'`,
  startedAt: boots.startedAt,
  endedAt: boots.endedAt,
}
const columns = { ...summaryColumns, decision: boots.decision, facts: boots.facts, script: boots.script }

/**
 * Whether a newer boot of the same machine, with its script sent to the same address, has gone past its script. Then the older
 * boot reports about the former system. A boot from another address may be a stranger's: then both count.
 * Windows Setup continues from the local disk, and reports there with the boot that began it.
 */
export const isOvertaken = sql<boolean>`exists (select 1 from boots as newer
  where newer.machine_id = boots.machine_id and newer.seq > boots.seq and newer.progressed and newer.ip = boots.ip
    and (newer.decision #>> '{identity,weak}') is null
    and not ((newer.decision #>> '{spec,kind}') = 'local' and (boots.decision #>> '{spec,kind}') = 'wimboot'))`

export async function findBoot(db: Db, id: string): Promise<Boot | undefined> {
  const rows = await db.select(columns).from(boots).where(eq(boots.id, id))
  return rows[0]
}

/** Boots, newest first, those before the id `before`. */
export async function listBoots(
  db: Db,
  filter: {
    machineId?: string | undefined
    deploymentId?: string | undefined
    image?: string | undefined
    outcome?: Outcome | 'open' | undefined
    since?: Date | undefined
    /** Labels that the machines of the boots have. */
    scope?: Record<string, string> | undefined
  },
  limit: number,
  before?: string,
): Promise<BootSummary[]> {
  const { machineId, deploymentId, image, outcome, since, scope } = filter
  const place = before === undefined ? undefined : await placeOf(db, boots, before)
  const conditions = and(
    since === undefined ? undefined : gte(boots.startedAt, since),
    scope === undefined ? undefined : isOfMachineWith(boots.machineId, scope),
    machineId === undefined ? undefined : eq(boots.machineId, machineId),
    deploymentId === undefined ? undefined : eq(boots.deploymentId, deploymentId),
    image === undefined ? undefined : eq(boots.image, image),
    outcome === undefined ? undefined : outcome === 'open' ? isNull(boots.outcome) : eq(boots.outcome, outcome),
    place === undefined ? undefined : lt(boots.seq, place),
  )
  return db.select(summaryColumns).from(boots).where(conditions).orderBy(desc(boots.seq)).limit(limit)
}

/** The newest boots of a condition. */
export async function listBootsWhere(db: Db, condition: SQL, limit: number): Promise<BootSummary[]> {
  return db.select(summaryColumns).from(boots).where(condition).orderBy(desc(boots.seq)).limit(limit)
}

/**
 * The stage whose limit applies to a boot. Windows PE gets its answer file from iPXE before it starts. So the installer
 * follows `ready`, not a kernel that reports at once.
 */
const restingAt = sql`case when boots.stage = 'ready' and boots.decision #>> '{spec,kind}' = 'wimboot' then 'answer-file' else boots.stage end`

/** A boot that stopped moving. */
export type StalledBoot = {
  id: string
  machineId: string | null
  mac: string | null
  image: string | null
  version: number | null
  message: string
  firmware: string | null
}

/** Marks the boots that stopped moving as stalled, each with the likely causes, and returns them. */
export async function markStalledBoots(db: Db): Promise<StalledBoot[]> {
  const limits = Object.entries(stallLimits).map(([stage, stallLimit]) => ({
    stage,
    causesWhileReporting: stallLimit.causes,
    ...stallLimit,
  }))
  const heard = sql`boots.heard_at > now() - ${reportedWithinSeconds} * interval '1 second'`
  const update = sql`
    update boots set outcome = 'stalled', message = 'stalled at ' || stall_limit.stage || ': '
      || case when ${heard} then stall_limit."causesWhileReporting" else stall_limit.causes end
      || coalesce('; its last step: ' || boots.progress, '')
      || coalesce('; ' || (select message from boot_events where boot_id = boots.id and stage = 'notice' order by id desc limit 1), '')
    from jsonb_to_recordset(${JSON.stringify(limits)}::jsonb)
      as stall_limit(stage text, seconds int, causes text, "causesWhileReporting" text)
    where boots.outcome is null and ${restingAt} = stall_limit.stage and boots.moved_at < now() - stall_limit.seconds * interval '1 second'
      and boots.decision #>> '{spec,kind}' <> 'menu'
    returning boots.id, boots.machine_id as "machineId", boots.mac, boots.image, boots.version, boots.message,
      boots.facts ->> 'platform' as firmware`
  return db.transaction(async (tx) => {
    const stalled = rowsOf<StalledBoot>(await tx.execute(update))
    await recordChanges(
      tx,
      stalled.map(({ id, firmware: _, ...after }) => ({ actor: system, type: 'boot.stalled', subject: id, after })),
    )
    return stalled
  })
}

/** Deletes boots older than `days`, and the oldest beyond `max`. */
export async function pruneBoots(db: Db, { days, max }: { days: number; max: number }): Promise<void> {
  await db.execute(sql`delete from boots where started_at < now() - ${days} * interval '1 day'`)
  await db.execute(sql`
    delete from boots where seq <= (select seq from boots order by seq desc offset ${max} limit 1)`)
}
