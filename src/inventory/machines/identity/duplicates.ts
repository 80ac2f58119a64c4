// Finds machines that are probably the same computer.

import { sql } from 'drizzle-orm'
import { isActiveSql } from '../../../db/deployment-conditions.ts'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { Facts } from '../../../model/facts.ts'
import { identityKeys } from '../../../model/identity/identity.ts'
import { handleOf, type Machine, nameOf } from '../../../model/machine.ts'
import { nameOfId } from '../names.ts'

/** A machine that reported the same board as another, and whether a deployment installs or installed it. */
type Duplicate = Pick<Machine, 'id' | 'macs' | 'facts' | 'discovered'> & { name: string; deployed: boolean }

/**
 * By machine id, why machines must not be armed: each is probably the same machine as one that is armed with it, or that a
 * deployment installs or installed. Two cards of one board are discovered as two machines. Two entered machines are two.
 */
export async function findDuplicates(db: Db, machines: Machine[]): Promise<Map<string, string>> {
  const byKey = new Map<string, Duplicate[]>()
  for (const duplicate of await findReporting(db, machines))
    for (const key of keysOf(duplicate.facts)) byKey.set(key, [...(byKey.get(key) ?? []), duplicate])
  const armed = new Set<string>()
  const refusals = new Map<string, string>()
  for (const machine of machines.toSorted((a, b) => Number(a.discovered) - Number(b.discovered))) {
    const duplicate = keysOf(machine.facts)
      .flatMap((key) => byKey.get(key) ?? [])
      .find((other) => (other.deployed || armed.has(other.id)) && areDuplicates(machine, other))
    if (duplicate === undefined) armed.add(machine.id)
    else refusals.set(machine.id, refusalOf(machine, duplicate, armed.has(duplicate.id)))
  }
  return refusals
}

function areDuplicates(machine: Machine, other: Duplicate): boolean {
  return machine.id !== other.id && (machine.discovered || other.discovered) && !differ(machine.facts, other.facts)
}

function refusalOf(machine: Machine, duplicate: Duplicate, together: boolean): string {
  const done = together ? 'is armed with it' : 'a deployment installs or installed'
  return `${nameOf(machine)} is probably the same machine as ${duplicate.name}, which ${done}; if it is: bootwright machine merge ${handleOf(duplicate)} --from ${handleOf(machine)}`
}

async function findReporting(db: Db, machines: Machine[]): Promise<Duplicate[]> {
  const keys = machines.map(({ facts }) => identityKeys(facts))
  const uuids = JSON.stringify(keys.flatMap((identity) => identity.uuids))
  const serials = JSON.stringify(keys.flatMap(({ serial }) => serial ?? []))
  const found = await db.execute(sql`
    select machines.id, facts, discovered, ${nameOfId(sql`machines.id`)} as name,
      array(select mac from machine_macs where machine_id = machines.id order by mac) as macs,
      exists (select 1 from deployments where machine_id = machines.id
        and (${isActiveSql(sql`state`)} or state = 'installed')) as deployed
    from machines where id in (
      select id from machines where facts ->> 'uuid' in (select jsonb_array_elements_text(${uuids}::jsonb))
      union select id from machines where facts ->> 'serial' in (select jsonb_array_elements_text(${serials}::jsonb)))
    order by machines.id`)
  return rowsOf<Duplicate>(found)
}

/** The UUID in one byte order, and the serial with its product; without values that vendors write for "none". */
function keysOf(facts: Facts): string[] {
  const { uuids, serial, product } = identityKeys(facts)
  const [uuid] = [...uuids].sort()
  return [...(uuid === undefined ? [] : [`uuid ${uuid}`]), ...(serial ? [`serial ${serial} ${product}`] : [])]
}

/** Both report a real value of one kind, and not the same. */
function differ(facts: Facts, other: Facts): boolean {
  const [a, b] = [identityKeys(facts), identityKeys(other)]
  const otherUuid = a.uuids.length > 0 && b.uuids.length > 0 && !a.uuids.some((uuid) => b.uuids.includes(uuid))
  return otherUuid || (a.serial !== undefined && b.serial !== undefined && a.serial !== b.serial)
}
