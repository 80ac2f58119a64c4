// Opens boots: the beginning of each, with what its firmware did before.

import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { newId } from '../../lib/ids/uuid.ts'
import { createMicroBatch } from '../../lib/time/micro-batch.ts'
import type { Outcome } from '../../model/boot.ts'
import type { Decision } from '../../model/decision.ts'
import type { Facts } from '../../model/facts.ts'
import { hashToken, makeToken } from '../access/tokens.ts'
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

export type OpenBoot = (boot: NewBoot) => Promise<void>

/** DHCP and downloads of firmware belong to the script that the same MAC or address asks for within this time. */
const prelude = sql`interval '10 minutes'`

/** The newest events of firmware that a boot takes over. Forged packets with its MAC must not fill the disk with more. */
export const maxAdoptedEvents = 200

/** The boot's machine is certain. Only a certain boot ends another one. */
const isSure = sql`(boots.decision #>> '{identity,weak}') is null`

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
export function createOpenBoot(db: Db, hearers: Hearers = {}): OpenBoot {
  return createMicroBatch((list: NewBoot[]) => insertBoots(db, list, hearers), { maxSize: 256, maxConcurrent: 2 })
}

async function insertBoots(db: Db, list: NewBoot[], { log, metrics }: Hearers): Promise<undefined[]> {
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
    metrics?.bootEnded({ outcome: 'superseded', firmware, image: boot.image })
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
