// Reports of machines: events, outcomes and the moves of deployments. Called by inventory/journal/.

import { type SQL, sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { Tx } from '../../db/transaction.ts'
import type { Outcome, Stage } from '../../model/boot.ts'
import { failureOf } from '../../model/codes/explain.ts'
import { type Move, moveDeployment, type Seen } from '../../model/deployment.ts'
import { type Actor, type Change, recordChanges } from '../changes/changes.ts'
import { isOvertaken } from './boots.ts'
import { cancelInstalled, lockActive, type MovedDeployment, writeMove } from './deployment-moves.ts'
import { maxEventsPerBoot, maxProgressEvents, storable } from './events.ts'
import { type Hearers, hearMove, hearReport } from './hearers.ts'
import { recordNotices, recordOtherAddresses } from './notices.ts'
import { takeUpWithdrawn } from './rollouts/take-up.ts'

type ReportedBoot = {
  id: string
  machineId: string | null
  deploymentId: string | null
  mac: string | null
  ip: string
  image: string | null
  version: number | null
  outcome: Outcome | null
  progressed: boolean
  reports: boolean
  overtaken: boolean
  stage: Stage
  /** The installer's last named step. */
  progress: string | null
  firmware: string | null
  /** Seconds since its script. */
  ageSeconds: number
}

/** A report for a boot. `ageMs`: the time since it arrived. */
export type Sighting = { bootId: string; seen: Seen; ip: string; message: string | undefined; ageMs: number }

/** The reports of a transaction that have a boot, the deployments that they moved, and the reports whose boot is not recorded. */
export type WrittenReports<S extends Sighting> = { written: Reported[]; moves: MovedDeployment[]; unknown: S[] }

/**
 * Records reports of boots: their stages, their outcomes, and the moves of their deployments. The first of booted, installed and
 * failed is the outcome. The end of an installation counts also after `booted`. Repeated and late reports are kept as events and
 * change nothing.
 */
export async function writeReports<S extends Sighting>(tx: Tx, list: S[]): Promise<WrittenReports<S>> {
  const written: Reported[] = []
  const moves: MovedDeployment[] = []
  const unknown: S[] = []
  let left = list
  while (left.length > 0) {
    const boots = await lockBoots(tx, left)
    // A machine's next report must see what this one does to its boots and deployment, so it waits for the next round.
    const machines = new Set<string>()
    const round: Reported[] = []
    left = left.filter((sighting) => {
      const boot = boots.get(sighting.bootId)
      if (boot === undefined) unknown.push(sighting)
      if (boot === undefined) return false
      const machine = boot.machineId ?? boot.id
      if (machines.has(machine)) return true
      machines.add(machine)
      round.push(reportedOf(boot, sighting))
      return false
    })
    if (round.length > 0) moves.push(...(await writeReported(tx, round)))
    written.push(...round)
  }
  return { written, moves, unknown }
}

/** After the transaction: logs and counts its reports, and notes boots that continue at several addresses. */
export async function hearReports(
  db: Db,
  { written, moves }: Pick<WrittenReports<Sighting>, 'written' | 'moves'>,
  hearers: Hearers,
): Promise<void> {
  for (const report of written) hearReport(report, hearers)
  for (const move of moves) hearMove(move, hearers)
  const gone = written.filter(({ boot, seen }) => !boot.progressed && seen !== 'failed').map(({ boot }) => boot)
  // This locks other boots, so it has its own transaction. The reports are written even if it fails.
  await recordOtherAddresses(db, gone).catch(() => undefined)
}

/** A report, its boot, and the result. */
export type Reported = {
  boot: ReportedBoot
  seen: Seen
  ip: string
  message: string | undefined
  ageMs: number
  /** The report is new: an installer that repeats its step has not moved. */
  moved: boolean
  outcome: Outcome | null
  /** The outcome is new and final. */
  ended: boolean
  actor: Actor
}

function reportedOf(boot: ReportedBoot, { seen, ip, message: given, ageMs }: Sighting): Reported {
  const message = storable(given)
  const moved = seen !== 'progress' || boot.stage !== 'progress' || message !== (boot.progress ?? undefined)
  const outcome = moved ? outcomeAfter(boot, seen) : boot.outcome
  const ended = outcome !== boot.outcome && outcome !== null && outcome !== 'stalled'
  const actor = `machine ${boot.mac ?? boot.machineId ?? boot.ip}`
  return { boot, seen, ip, message, ageMs, moved, outcome, ended, actor }
}

/** Writes reports, no two of one machine. Returns the deployments that moved. */
async function writeReported(tx: Tx, list: Reported[]): Promise<MovedDeployment[]> {
  const rows = list.map(({ boot, actor: _, ...report }) => ({ id: boot.id, ...report }))
  await tx.execute(sql`
    with r as (
        select *, now() - "ageMs" * interval '1 millisecond' as at from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
          as r(id uuid, seen text, ip text, message text, "ageMs" float8, moved boolean, outcome text, ended boolean)),
      event as (
        insert into boot_events (boot_id, ip, stage, message, at) select id, ip, seen, message, at from r
        where r.moved and (select count(*) from boot_events where boot_id = r.id)
          < case when r.seen = 'progress' then ${maxProgressEvents}::int else ${maxEventsPerBoot}::int end)
    update boots set stage = r.seen, moved_at = case when r.moved then greatest(least(boots.moved_at, now()), r.at) else moved_at end,
      heard_at = greatest(case when boots.heard_at < now() then boots.heard_at end, r.at),
      progress = case when r.seen = 'progress' then r.message else boots.progress end,
      progressed = boots.progressed or r.seen <> 'failed', outcome = r.outcome,
      message = case when r.ended then r.message when r.outcome is null then null else boots.message end,
      ended_at = case when r.ended then greatest(boots.started_at, r.at) when r.outcome is null then null else boots.ended_at end
    from r where boots.id = r.id`)
  const endings = list.filter(({ ended, outcome }) => ended && outcome !== 'superseded')
  await recordChanges(tx, endings.map(endingOf))
  const moves: (MovedDeployment | undefined)[] = []
  for (const report of list) {
    if (report.boot.deploymentId !== null) moves.push(await moveOwn(tx, report))
    else if (report.ended && report.outcome === 'installed' && !report.boot.overtaken)
      moves.push(await cancelInstalled(tx, report.boot.id, report.actor))
  }
  const spent = await failSpent(
    tx,
    list.filter(({ boot, seen }) => boot.deploymentId === null && seen === 'ready' && !boot.overtaken),
  )
  return [...moves, ...spent].filter((move) => move !== undefined)
}

/** Pure: a boot's outcome after what was seen. */
export function outcomeAfter(
  boot: Pick<ReportedBoot, 'outcome' | 'deploymentId' | 'reports' | 'overtaken'>,
  seen: Seen,
): Outcome | null {
  const { outcome } = boot
  if (seen === 'installed' || seen === 'failed' || seen === 'booted') {
    if (outcome === 'installed' || outcome === 'failed') return outcome
    return outcome === 'booted' && boot.deploymentId === null ? outcome : seen
  }
  // The boot moves, so it is not stalled. A boot that only fetched a script does not overtake it.
  const open = outcome === null || outcome === 'stalled' || (outcome === 'superseded' && !boot.overtaken)
  if (!open) return outcome
  return seen === 'ready' && !boot.reports ? 'handed-over' : null
}

/** Boots by their ids. They are locked in the order of their ids, so that transactions do not deadlock. */
async function lockBoots(tx: Tx, list: Sighting[]): Promise<Map<string, ReportedBoot>> {
  const ids = JSON.stringify(list.map(({ bootId }) => bootId))
  const found = await tx.execute(sql`
    select id, machine_id as "machineId", deployment_id as "deploymentId", mac, ip, image, version,
      outcome, progressed, reports, stage, progress, facts ->> 'platform' as firmware,
      extract(epoch from now() - started_at)::float8 as "ageSeconds", ${isOvertaken} as overtaken
    from boots where id in (select jsonb_array_elements_text(${ids}::jsonb)::uuid) order by id for update`)
  return new Map(rowsOf<ReportedBoot>(found).map((boot) => [boot.id, boot]))
}

/** Pure: how a report moves the deployment of its boot. */
export function moveBy(
  boot: Pick<ReportedBoot, 'progressed' | 'overtaken'>,
  deployment: Parameters<typeof moveDeployment>[0],
  seen: Seen,
  message: string | undefined,
): Move | undefined {
  const { progressed, overtaken } = boot
  return moveDeployment(deployment, { by: 'its boot', boot: { progressed, newest: !overtaken }, seen, message })
}

function agoSql(ageMs: number): SQL {
  return sql`now() - ${ageMs}::float8 * interval '1 millisecond'`
}

function endingOf({ boot, outcome, message, actor }: Reported): Change {
  const { id, machineId, mac, image, version } = boot
  const failure = outcome === 'failed' ? failureOf(message) : undefined
  const after = {
    machineId,
    mac,
    image,
    version,
    ...(message !== undefined && { message }),
    ...(failure && { failure }),
  }
  return { actor, type: `boot.${outcome as Exclude<Outcome, 'superseded'>}`, subject: id, after }
}

async function moveOwn(tx: Tx, { boot, seen, message, ageMs, actor }: Reported): Promise<MovedDeployment | undefined> {
  const id = boot.deploymentId as string
  const lock = () => lockActive(tx, id, agoSql(ageMs))
  const mayTakeUp = !boot.overtaken && seen !== 'failed'
  const deployment = (await lock()) ?? (mayTakeUp && (await takeUpWithdrawn(tx, id)) ? await lock() : undefined)
  if (deployment === undefined) return undefined
  const move = moveBy(boot, deployment, seen, message)
  if (move !== undefined) return writeMove(tx, deployment, move, actor, agoSql(ageMs))
  if (!boot.overtaken || (seen !== 'installed' && seen !== 'failed')) return undefined
  const why = 'the machine has since booted again from the same address'
  const after = { machineId: boot.machineId, boot: boot.id, report: seen, why }
  await recordChanges(tx, [{ actor, type: 'deployment.report-ignored', subject: deployment.id, after }])
  await recordNotices(tx, [
    { bootId: boot.id, ip: boot.ip, message: `the report ${seen} did not change the deployment: ${why}` },
  ])
  return undefined
}

/**
 * These machines booted their own assignments. If a limit had ended their deployments, the last attempts are over now.
 * A boot from another address than the attempts proves nothing: the last attempt may still run.
 */
async function failSpent(tx: Tx, list: Reported[]): Promise<(MovedDeployment | undefined)[]> {
  const reports = new Map(
    list.flatMap(({ boot, actor, ageMs }) =>
      boot.machineId === null ? [] : [[boot.machineId, { ip: boot.ip, actor, ageMs }]],
    ),
  )
  if (reports.size === 0) return []
  const asked = [...reports].map(([machine_id, { ip }]) => ({ machine_id, ip }))
  const found = await tx.execute(sql`
    select d.id, d.machine_id as "machineId"
    from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as asked(machine_id uuid, ip text)
    join deployments as d on d.machine_id = asked.machine_id
    where ${isActiveSql(sql`d.state`)} and d.attempts > 0
      and not exists (select 1 from boots where deployment_id = d.id and progressed and ip <> asked.ip)
    order by d.id`)
  const moves: (MovedDeployment | undefined)[] = []
  for (const { id, machineId } of rowsOf<{ id: string; machineId: string }>(found)) {
    const { actor, ageMs } = reports.get(machineId) as { actor: Actor; ageMs: number }
    const deployment = await lockActive(tx, id, agoSql(ageMs))
    const move = deployment && moveDeployment(deployment, { by: 'another boot' })
    if (move !== undefined) moves.push(await writeMove(tx, { id }, move, actor, agoSql(ageMs)))
  }
  return moves
}
