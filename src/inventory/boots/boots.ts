// Boots: opened, listed, stalled and deleted.

import { and, desc, eq, gte, isNull, lt, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { boots } from '../../db/schema/boots.ts'
import { newId } from '../../lib/ids/uuid.ts'
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { createMicroBatch } from '../../lib/time/micro-batch.ts'
import type { Boot, BootSummary, Outcome } from '../../model/boot.ts'
import type { Decision } from '../../model/decision.ts'
import type { Facts } from '../../model/facts.ts'
import { hashToken, makeToken } from '../access/tokens.ts'
import { recordChanges, system } from '../changes/changes.ts'
import { placeOf } from '../common/place.ts'
import { rememberedOf } from '../machines/identity/last-seen.ts'
import { reportedWithinSeconds, stallLimits } from './stalls.ts'

/** A boot to be opened. */
export type NewBoot = {
  id: string
  token: string
  facts: Facts
  ip: string
  decision: Decision
  /** The script as served, with its token. */
  script: string
  /** The booted system can report, so that its silence means something. */
  reports: boolean
}

export type OpenBoot = (boot: NewBoot) => Promise<void>

/** DHCP and downloads of firmware belong to the script that the same MAC or address asks for within this time. */
const prelude = sql`interval '10 minutes'`

/** The newest events of firmware that a boot takes over. Forged packets with its MAC must not fill the disk with more. */
export const maxAdoptedEvents = 200

/** The boot's machine is certain. Only a certain boot ends another one. */
const isSure = sql`(boots.decision #>> '{identity,weak}') is null`

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

/** A boot's public id and its secret token, before either is stored. */
export function newBootKeys(tokenOf: (id: string) => string = makeToken): { id: string; token: string } {
  const id = newId()
  return { id, token: tokenOf(id) }
}

/**
 * Opens boots. A boot supersedes the machine's unfinished boot at the same address and updates the remembered facts. It takes
 * over the events of its firmware: those with its MAC, and those without a MAC from its address. One statement writes all boots
 * of the same moment; the promise resolves after it.
 */
export function createOpenBoot(db: Db, hears: { log?: Logger; metrics?: BootMetrics } = {}): OpenBoot {
  return createMicroBatch((list: NewBoot[]) => insertBoots(db, list, hears), { maxSize: 256, maxConcurrent: 2 })
}

/** What counts boots. */
export type BootMetrics = Pick<Metrics, 'bootOpened' | 'bootEnded'>

async function insertBoots(
  db: Db,
  list: NewBoot[],
  { log, metrics }: { log?: Logger; metrics?: BootMetrics },
): Promise<undefined[]> {
  const rows = list.map((boot, index) => ({ n: index, ...rowOf(boot, list.slice(index + 1)) }))
  const found = await db.execute(sql`
    with new as (
        select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as new(n int, id uuid, token_hash text, machine_id uuid, mac text,
          ip text, image text, version int, deployment_id uuid, decision jsonb, facts jsonb, script text, reports boolean,
          outcome text, message text, kind text, weak boolean, seen boolean, remembered jsonb)),
      opened as (
        insert into boots (id, token_hash, machine_id, mac, ip, image, version, deployment_id, decision, facts, script, reports,
          outcome, message, ended_at)
        select id, token_hash, (select id from machines where id = machine_id), mac, ip, image, version,
          (select id from deployments where id = deployment_id), decision, facts, script, reports, outcome, message,
          case when outcome is null then null else now() end
        from new order by n),
      open as (
        select boots.id from boots join new on boots.machine_id = new.machine_id and boots.ip = new.ip
        where (boots.outcome is null or boots.outcome = 'stalled')
          and new.weak = not ${isSure} and (not new.weak or boots.mac is not distinct from new.mac)
        order by boots.id for update of boots),
      superseded as (
        update boots set outcome = 'superseded', ended_at = now() from open
        where boots.id = open.id and (boots.outcome is null or boots.outcome = 'stalled')
        returning boots.id, boots.mac, boots.image, boots.stage, boots.facts ->> 'platform' as firmware),
      joined as (
        update boot_events set boot_id = adopted.boot from (
          select id, boot, row_number() over (partition by boot order by at desc, id desc) as place from (
            select e.id, e.at, new.id as boot from new join boot_events as e on e.mac = new.mac
            where e.boot_id is null and e.at > now() - ${prelude}
            union all
            select e.id, e.at, new.id from new join boot_events as e on e.ip = new.ip and (e.mac is null or new.mac is null)
            where e.boot_id is null and e.at > now() - ${prelude}) as before_boot) as adopted
        where boot_events.id = adopted.id and adopted.place <= ${maxAdoptedEvents}),
      seen as (
        update machines set last_seen_at = now(), facts = machines.facts || new.remembered from new
        where machines.id = new.machine_id and new.seen),
      event as (insert into boot_events (boot_id, ip, stage, message) select id, ip, 'script', kind from new)
    select id as boot, mac, image, stage, firmware from superseded`)
  for (const { outcome, image, facts } of rows) {
    metrics?.bootOpened(facts.platform)
    if (outcome !== null) metrics?.bootEnded({ outcome, firmware: facts.platform, image })
  }
  for (const { firmware, ...boot } of rowsOf<SupersededBoot>(found)) {
    log?.info({ ...boot, outcome: 'superseded' }, 'boot')
    metrics?.bootEnded({ outcome: 'superseded', firmware: firmware ?? undefined, image: boot.image ?? undefined })
  }
  return list.map(() => undefined)
}

type SupersededBoot = {
  boot: string
  mac: string | null
  image: string | null
  stage: string
  firmware: string | null
}

function rowOf({ id, token, facts, ip, decision, script, reports }: NewBoot, after: NewBoot[]) {
  const { machine, image, deployment, spec } = decision
  const weak = isWeak(decision)
  const overtaken =
    machine !== undefined &&
    !weak &&
    after.some((newer) => newer.decision.machine?.id === machine.id && newer.ip === ip && !isWeak(newer.decision))
  const remembered = rememberedOf(decision, facts)
  const outcome: Outcome | null =
    spec.kind === 'refusal'
      ? 'failed'
      : spec.kind === 'shell' || spec.kind === 'reboot'
        ? 'handed-over'
        : overtaken
          ? 'superseded'
          : null
  return {
    id,
    token_hash: hashToken(token),
    machine_id: machine?.id,
    mac: facts.mac,
    ip,
    image: image?.name,
    version: image?.version,
    deployment_id: deployment?.id,
    decision,
    facts,
    script: script.replaceAll(token, '…'),
    reports,
    outcome,
    message: spec.kind === 'refusal' ? spec.reason : null,
    kind: spec.kind,
    weak,
    seen: remembered.seen,
    remembered: remembered.facts,
  }
}

function isWeak({ identity }: Decision): boolean {
  return identity?.weak !== undefined
}

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
  },
  limit: number,
  before?: string,
): Promise<BootSummary[]> {
  const { machineId, deploymentId, image, outcome, since } = filter
  const place = before === undefined ? undefined : await placeOf(db, boots, before)
  const conditions = and(
    since === undefined ? undefined : gte(boots.startedAt, since),
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
