// Opens boots: the beginning of each, with what its firmware did before. Called by inventory/journal/writing/write-batch.ts.

import { sql } from 'drizzle-orm'
import { rowsOf } from '../../db/rows.ts'
import type { Tx } from '../../db/transaction.ts'
import { newId } from '../../lib/ids/uuid.ts'
import type { Outcome } from '../../model/boot.ts'
import type { Decision } from '../../model/decision.ts'
import type { Facts } from '../../model/facts.ts'
import { rememberedOf } from '../machines/identity/last-seen.ts'
import type { Hearers } from './hearers.ts'

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

/** DHCP and downloads of firmware belong to the script that the same MAC or address asks for within this time. */
export const prelude = sql`interval '10 minutes'`

/** The newest events of firmware that a boot takes over. Forged packets with its MAC must not fill the disk with more. */
export const maxAdoptedEvents = 200

/** The boot's machine is certain. Only a certain boot ends another one. */
const isSure = sql`(boots.decision #>> '{identity,weak}') is null`

/** A boot's public id and its secret token, before the boot is recorded. */
export function newBootKeys(tokenOf: (id: string) => string): { id: string; token: string } {
  const id = newId()
  return { id, token: tokenOf(id) }
}

/** A boot as the journal stores it: the columns of its row, and the values on which its writing depends. */
export function bootRecordOf({ id, token, facts, ip, decision, script, reports }: NewBoot) {
  const { machine, image, deployment, spec } = decision
  const remembered = rememberedOf(decision, facts)
  const outcome: Outcome | undefined =
    spec.kind === 'refusal' ? 'failed' : spec.kind === 'shell' || spec.kind === 'reboot' ? 'handed-over' : undefined
  return {
    id,
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
    message: spec.kind === 'refusal' ? spec.reason : undefined,
    spec: spec.kind,
    weak: decision.identity?.weak !== undefined,
    seen: remembered.seen,
    remembered: remembered.facts,
    discovered: machine?.discovered === true,
  }
}

export type BootRecord = ReturnType<typeof bootRecordOf>

/** An event without a boot of the same batch: its row, and its place in the order of records. */
export type WrittenStray = { id: number; n: number }

/** A boot that was opened, or that a new one superseded. */
type ChangedBoot = {
  isNew: boolean
  boot: string
  mac: string | null
  image: string | null
  stage: string
  firmware: string | null
  outcome: Outcome | null
}

/**
 * Opens boots; those that exist already stay as they are. A boot supersedes the machine's unfinished boot at the same address and
 * updates the remembered facts. It takes over the events of its firmware: those with its MAC, and those without a MAC from its
 * address. `strays` are events of the same batch: a boot takes over only earlier ones, by their order or their time. If another server recorded the discovered
 * machine first, the boot is that machine's. @param json a JSON array of records @param now the present time of their run
 */
export async function insertBoots(
  tx: Tx,
  json: string,
  now: number,
  strays: WrittenStray[] = [],
): Promise<ChangedBoot[]> {
  const found = await tx.execute(sql`
    with given as (
        select *, (now() - greatest(0, ${now}::float8 - ms) * interval '1 millisecond')::timestamptz(3) as at
        from jsonb_to_recordset(${json}::jsonb) as given(n bigint, ms float8, id uuid, machine_id uuid, mac text, ip text, image text,
          version int, deployment_id uuid, decision jsonb, facts jsonb, script text, reports boolean, outcome text, message text,
          spec text, weak boolean, seen boolean, remembered jsonb, discovered boolean)),
      new as (
        select given.*, machine.id as machine,
          case when machine.id is not null and not given.weak
            then lead(given.at) over (partition by machine.id, given.ip, given.weak order by given.n) end as superseded_at
        from given left join lateral (
          select id from machines where id = given.machine_id
          union all
          select machine_id from machine_macs where mac = given.mac and given.discovered
            and not exists (select 1 from machines where id = given.machine_id)
          limit 1) as machine on true
        where not exists (select 1 from boots where boots.id = given.id)),
      opened as (
        insert into boots (id, machine_id, mac, ip, image, version, deployment_id, decision, facts, script, reports,
          outcome, message, ended_at, started_at, moved_at)
        select id, machine, mac, ip, image, version, (select id from deployments where id = deployment_id), decision, facts, script, reports,
          coalesce(outcome, case when superseded_at is not null then 'superseded' end), message,
          case when outcome is null then superseded_at else at end, at, at
        from new order by n
        on conflict do nothing
        returning id, mac, image, stage, facts ->> 'platform' as firmware, outcome),
      open as (
        select boots.id, new.at from boots join new on boots.machine_id = new.machine and boots.ip = new.ip
        where (boots.outcome is null or boots.outcome = 'stalled')
          and new.weak = not ${isSure} and (not new.weak or boots.mac is not distinct from new.mac)
        order by boots.id for update of boots),
      superseded as (
        update boots set outcome = 'superseded', ended_at = greatest(boots.started_at, ended.at)
        from (select id, min(at) as at from open group by id) as ended
        where boots.id = ended.id and (boots.outcome is null or boots.outcome = 'stalled')
        returning boots.id, boots.mac, boots.image, boots.stage, boots.facts ->> 'platform' as firmware),
      before_boot as (
        select e.id, e.at, new.id as boot, new.n, new.at as boot_at from new join boot_events as e on e.mac = new.mac
        where e.boot_id is null and e.at > new.at - ${prelude}
        union all
        select e.id, e.at, new.id, new.n, new.at from new join boot_events as e on e.ip = new.ip and (e.mac is null or new.mac is null)
        where e.boot_id is null and e.at > new.at - ${prelude}),
      adopted as (
        select id, boot, row_number() over (partition by boot order by at desc, id desc) as place from (
          select distinct on (b.id) b.id, b.at, b.boot from before_boot as b
          left join jsonb_to_recordset(${JSON.stringify(strays)}::jsonb) as stray(id bigint, n bigint) on stray.id = b.id
          where stray.n is null or stray.n < b.n or b.at::timestamptz(3) < b.boot_at
          order by b.id, b.n) as first_boot),
      joined as (
        update boot_events set boot_id = adopted.boot from adopted
        where boot_events.id = adopted.id and adopted.place <= ${maxAdoptedEvents}),
      seen as (
        select machine, max(at) as at, coalesce(jsonb_object_agg(fact.key, fact.value order by n) filter (where fact.key is not null), '{}') as facts
        from new left join lateral jsonb_each(new.remembered) as fact on true where seen and machine is not null group by machine),
      updated as (
        update machines set last_seen_at = greatest(case when machines.last_seen_at < now() then machines.last_seen_at end, seen.at),
          facts = machines.facts || seen.facts
        from seen where machines.id = seen.machine),
      event as (
        insert into boot_events (boot_id, ip, stage, message, at) select id, ip, 'script', spec, at from new order by n)
    select true as "isNew", id as boot, mac, image, stage, firmware, outcome from opened
    union all select false, id, mac, image, stage, firmware, 'superseded' from superseded`)
  return rowsOf<ChangedBoot>(found)
}

/** Logs and counts boots that were opened or superseded. */
export function hearBoots(list: ChangedBoot[], { log, metrics }: Hearers): void {
  for (const { isNew, boot, mac, image, stage, firmware, outcome } of list) {
    if (isNew) metrics?.bootOpened(firmware ?? undefined)
    else log?.info({ boot, mac, image, stage, outcome }, 'boot')
    if (outcome !== null) metrics?.bootEnded({ outcome, firmware, image })
  }
}
