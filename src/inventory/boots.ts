import { and, desc, eq, isNull, lt, sql } from 'drizzle-orm'
import { v7 as newId } from 'uuid'
import type { Db } from '../db/open.ts'
import { boots } from '../db/schema.ts'
import { mostPerBoot } from './boot-events.ts'
import type { Decision } from './decision.ts'
import type { Facts } from './facts.ts'
import { hashToken, makeToken } from './tokens.ts'

/** How a boot ended. Only the machine's own report makes it booted, installed or failed; or the refusal it was shown. */
export type Outcome = 'booted' | 'installed' | 'failed' | 'superseded'

/** One attempt of a machine to boot, from its script on. */
export type Boot = {
  id: string
  machineId: string | null
  mac: string | null
  ip: string
  image: string | null
  version: number | null
  decision: Decision
  outcome: Outcome | null
  message: string | null
  startedAt: Date
  endedAt: Date | null
}

/** What a machine may report with its boot's token. */
export const reports = ['ready', 'installing', 'installed', 'booted', 'failed'] as const
export type Report = (typeof reports)[number]

/** Reports count for this long after the script; an installation may take a day. */
const tokenLifetime = sql`interval '48 hours'`
/** What firmware fetched from an address belongs to the script that the address asks for within this time. */
const prelude = sql`interval '10 minutes'`

const { tokenHash: _, ...shown } = {
  id: boots.id,
  tokenHash: boots.tokenHash,
  machineId: boots.machineId,
  mac: boots.mac,
  ip: boots.ip,
  image: boots.image,
  version: boots.version,
  decision: boots.decision,
  outcome: boots.outcome,
  message: boots.message,
  startedAt: boots.startedAt,
  endedAt: boots.endedAt,
}

/** A boot's public id and its secret token, before either is stored. */
export function newBootKeys(): { id: string; token: string } {
  return { id: newId(), token: makeToken() }
}

/**
 * Opens a boot: the machine's unfinished one is superseded, what its firmware fetched from the same address is joined
 * to it, and its facts are remembered. One statement, so all or nothing.
 */
export async function openBoot(
  db: Db,
  keys: { id: string; token: string },
  facts: Facts,
  ip: string,
  decision: Decision,
): Promise<void> {
  const { machine, image, spec } = decision
  const reason = spec.kind === 'refusal' ? spec.reason : null
  await db.execute(sql`
    with opened as (
        insert into boots (id, token_hash, machine_id, mac, ip, image, version, decision, outcome, message, ended_at)
        values (${keys.id}, ${hashToken(keys.token)}, (select id from machines where id = ${machine?.id ?? null}::uuid), ${facts.mac ?? null}, ${ip}, ${image?.name ?? null},
          ${image?.version ?? null}::int, ${JSON.stringify(decision)}::jsonb, ${reason === null ? null : 'failed'}, ${reason},
          case when ${reason}::text is null then null else now() end)),
      superseded as (
        update boots set outcome = 'superseded', ended_at = now()
        where machine_id = ${machine?.id ?? null}::uuid and outcome is null),
      joined as (
        update boot_events set boot_id = ${keys.id} where boot_id is null and ip = ${ip} and at > now() - ${prelude}),
      seen as (
        update machines set last_seen_at = now(), facts = facts || ${JSON.stringify(facts)}::jsonb where id = ${machine?.id ?? null}::uuid)
    insert into boot_events (boot_id, ip, stage, message) values (${keys.id}, ${ip}, 'script', ${spec.kind})`)
}

/**
 * Records what a machine reports. The first of booted, installed and failed is the boot's outcome; repeated and late
 * reports are kept as events and change nothing. False when the token opens no boot.
 */
export async function recordReport(
  db: Db,
  token: string,
  report: Report,
  ip: string,
  message: string | undefined,
): Promise<boolean> {
  const outcome = report === 'ready' || report === 'installing' ? null : report
  const found = await db.execute(sql`
    with boot as (
        select id, outcome from boots where token_hash = ${hashToken(token)} and started_at > now() - ${tokenLifetime}),
      ended as (
        update boots set outcome = ${outcome}, ended_at = now(), message = ${message ?? null} from boot
        where ${outcome}::text is not null and boots.id = boot.id and (boot.outcome is null or boot.outcome = 'superseded')),
      event as (
        insert into boot_events (boot_id, ip, stage, message) select id, ${ip}, ${report}, ${message ?? null} from boot
        where (select count(*) from boot_events where boot_id = boot.id) < ${mostPerBoot})
    select id from boot`)
  return rowsOf(found).length > 0
}

export async function findBoot(db: Db, id: string): Promise<Boot | undefined> {
  const rows = await db.select(shown).from(boots).where(eq(boots.id, id))
  return rows[0]
}

/** Boots, newest first, those before the id `before`. */
export async function listBoots(
  db: Db,
  filter: { machineId?: string | undefined; outcome?: Outcome | 'open' | undefined },
  limit: number,
  before?: string,
): Promise<Boot[]> {
  const conditions = and(
    filter.machineId === undefined ? undefined : eq(boots.machineId, filter.machineId),
    filter.outcome === undefined
      ? undefined
      : filter.outcome === 'open'
        ? isNull(boots.outcome)
        : eq(boots.outcome, filter.outcome),
    before === undefined ? undefined : lt(boots.id, before),
  )
  return db.select(shown).from(boots).where(conditions).orderBy(desc(boots.id)).limit(limit)
}

// postgres.js answers with an array of rows, PGlite with an object that holds it.
function rowsOf(result: unknown): unknown[] {
  return Array.isArray(result) ? result : ((result as { rows?: unknown[] }).rows ?? [])
}
