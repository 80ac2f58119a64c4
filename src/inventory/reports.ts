import { sql } from 'drizzle-orm'
import type { Db } from '../db/open.ts'
import { rowsOf } from '../db/rows.ts'
import { mostPerBoot, storable } from './boot-events.ts'
import type { Outcome } from './boots.ts'
import { type Actor, recordChanges } from './changes.ts'
import { whySpent } from './decision.ts'
import { lockActive, moveDeployment, type Seen, writeMove } from './deployment-moves.ts'
import type { Deployment } from './deployments.ts'
import { hashToken } from './tokens.ts'

/** What a machine may report with its boot's token. */
export const reports = ['ready', 'installing', 'installed', 'booted', 'failed'] as const
export type Report = (typeof reports)[number]

/** A token opens its boot for this long after the script; an installation may take a day. */
export const tokenLifetime = sql`interval '48 hours'`

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
}

/**
 * Records what is seen of a boot whose token is known: its stage, its outcome, and where its deployment goes. The first of
 * booted, installed and failed is the outcome, and an installation's end counts after its system reported that it is up;
 * repeated and late reports are kept as events and change nothing. False when the token opens no boot.
 */
export async function recordReport(
  db: Db,
  token: string,
  seen: Seen,
  ip: string,
  message: string | undefined,
): Promise<boolean> {
  const text = storable(message)
  return db.transaction(async (transaction) => {
    const tx = transaction as unknown as Db
    const boot = await lockBoot(tx, token)
    if (boot === undefined) return false
    const actor: Actor = `machine ${boot.mac ?? boot.machineId ?? boot.ip}`
    const outcome = outcomeAfter(boot, seen)
    const ended = outcome !== boot.outcome && outcome !== null && outcome !== 'stalled'
    await tx.execute(sql`
      with event as (
        insert into boot_events (boot_id, ip, stage, message) select ${boot.id}, ${ip}, ${seen}, ${text ?? null}
        where (select count(*) from boot_events where boot_id = ${boot.id}) < ${mostPerBoot})
      update boots set stage = ${seen}, moved_at = now(), progressed = progressed or ${seen !== 'failed'}, outcome = ${outcome},
        message = case when ${ended} then ${text ?? null} when ${outcome === null} then null else message end,
        ended_at = case when ${ended} then now() when ${outcome === null} then null else ended_at end
      where id = ${boot.id}`)
    if (ended && outcome !== 'superseded') await recordOutcome(tx, boot, outcome, text, actor)
    if (boot.deploymentId !== null) await moveOwn(tx, boot, seen, text, actor)
    else if (seen === 'ready' && !boot.overtaken) await failSpent(tx, boot, actor)
    return true
  })
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
  // It moves, so it is not stalled; nor overtaken by one that only fetched a script.
  const open = outcome === null || outcome === 'stalled' || (outcome === 'superseded' && !boot.overtaken)
  if (!open) return outcome
  return seen === 'ready' && !boot.reports ? 'handed-over' : null
}

async function lockBoot(tx: Db, token: string): Promise<ReportedBoot | undefined> {
  const found = await tx.execute(sql`
    select id, machine_id as "machineId", deployment_id as "deploymentId", mac, ip, image, version, outcome, progressed, reports,
      exists (select 1 from boots as newer
        where newer.machine_id = boots.machine_id and newer.id > boots.id and newer.progressed) as overtaken
    from boots where token_hash = ${hashToken(token)} and started_at > now() - ${tokenLifetime} for update`)
  return rowsOf<ReportedBoot>(found)[0]
}

async function recordOutcome(
  tx: Db,
  { id, machineId, mac, image, version }: ReportedBoot,
  outcome: Outcome,
  message: string | undefined,
  actor: Actor,
): Promise<void> {
  const after = { machineId, mac, image, version, ...(message !== undefined && { message }) }
  await recordChanges(tx, [{ actor, type: `boot.${outcome}`, subject: id, after }])
}

async function moveOwn(
  tx: Db,
  boot: ReportedBoot,
  seen: Seen,
  message: string | undefined,
  actor: Actor,
): Promise<void> {
  const deployment = await lockActive(tx, boot.deploymentId as string)
  if (deployment === undefined) return
  const move = moveDeployment(deployment, { progressed: boot.progressed, newest: !boot.overtaken }, seen, message)
  if (move !== undefined) await writeMove(tx, deployment, move, actor)
}

/** The machine went on with its own assignment because its deployment had given up: now that is certain. */
async function failSpent(tx: Db, { machineId }: ReportedBoot, actor: Actor): Promise<void> {
  if (machineId === null) return
  const found = await tx.execute(sql`
    select id, coalesce(started_at + window_seconds * interval '1 second' < now(), false) as late from deployments
    where machine_id = ${machineId} and state in ('armed', 'started', 'installing') and attempts > 0`)
  const [active] = rowsOf<{ id: string; late: boolean }>(found)
  const deployment: Deployment | undefined = active && (await lockActive(tx, active.id))
  if (active === undefined || deployment === undefined) return
  const reason = whySpent({ ...deployment, late: active.late })
  if (reason !== undefined)
    await writeMove(tx, deployment, { state: 'failed', attempts: deployment.attempts, reason }, actor)
}
