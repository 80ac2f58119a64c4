// Finds what the rows of an upload refer to.

import { type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { swapUuid } from '../../../lib/ids/uuid.ts'
import { formatImageRef } from '../../../model/image.ts'
import type { Machine } from '../../../model/machine.ts'
import { findInstallers } from '../../images/installers.ts'
import { isSerial } from '../identity/same-key.ts'
import { findMachines } from '../machines.ts'
import type { Existing, MachineRow } from '../plan.ts'
import type { Referred } from '../references.ts'

/** A row that refers to machines by its key, and by the values of its change. */
type AskedRow = Pick<MachineRow, 'change'> & { key?: MachineRow['key'] }

/** Finds the machines and names that some rows refer to. `found` are machines that need not be read. */
export async function lookUp(db: Db, rows: AskedRow[], found: Machine[]): Promise<Existing> {
  const present = new Map(found.map((machine) => [machine.id, machine]))
  const macs = rows.flatMap(({ key, change }) => [...(key && 'mac' in key ? [key.mac] : []), ...(change.macs ?? [])])
  const asked = rows.flatMap(({ key }) => (key && 'id' in key && !present.has(key.id) ? [key.id] : []))
  const uuids = rows.flatMap(({ change: { uuid } }) => (uuid ? [uuid, swapUuid(uuid)] : []))
  const serials = rows.flatMap(({ change: { serial, product } }) => (serial && product ? [{ serial, product }] : []))

  const owners = await find<{ key: string; id: string }>(
    db,
    macs,
    (list) => sql`
    select mac as key, machine_id::text as id from machine_macs where mac in (select jsonb_array_elements_text(${list}))`,
  )
  const meant = await find<{ key: string; id: string }>(
    db,
    asked,
    (list) => sql`
    select asked as key, coalesce(into_id::text, asked) as id from jsonb_array_elements_text(${list}) as a(asked)
    left join machine_merges on from_id = asked::uuid`,
  )
  // Reported values identify nothing. Of many machines with one value, those without MACs come first.
  const few = sql`order by exists (select 1 from machine_macs where machine_id = machines.id), id limit 3`
  const withUuid = await find<{ key: string; id: string }>(
    db,
    uuids,
    (list) => sql`
    select distinct key, m.id::text as id from jsonb_array_elements_text(${list}) as k(key)
    join lateral (select id from machines where uuid = key and not discovered ${few}) as m on true`,
  )
  const withSerial = await find<{ key: string; id: string }>(
    db,
    serials,
    (list) => sql`
    select distinct r.serial || chr(10) || r.product as key, m.id::text as id
    from jsonb_to_recordset(${list}) as r(serial text, product text)
    join lateral (select id from machines where not discovered and ${isSerial(sql`r.serial`, sql`r.product`)} ${few}) as m on true`,
  )

  const ids = new Set([...owners, ...meant, ...withUuid, ...withSerial].map(({ id }) => id))
  const absent = [...ids].filter((id) => !present.has(id))
  const machines = new Map([...present, ...(await findMachines(db, absent)).map((read) => [read.id, read] as const)])
  const byKey = (list: { key: string; id: string }[]) =>
    new Map(
      list.flatMap(({ key, id }) =>
        [machines.get(id)].flatMap((machine) => (machine ? [[key, machine] as const] : [])),
      ),
    )
  const having = (list: { key: string; id: string }[]) => {
    const found = new Map<string, Machine[]>()
    for (const { key, id } of list) found.set(key, [...(found.get(key) ?? []), ...[machines.get(id) ?? []].flat()])
    return (spellings: string[]) => [...new Set(spellings)].flatMap((key) => found.get(key) ?? [])
  }
  const [havingUuid, havingSerial] = [having(withUuid), having(withSerial)]
  return {
    byMac: byKey(owners),
    byId: new Map([...present, ...byKey(meant)]),
    byUuid: (uuid) => havingUuid([uuid, swapUuid(uuid)]),
    bySerial: (serial, product) => havingSerial([`${serial}\n${product}`]),
    names: await findNames(db, rows),
    versions: await findVersions(db, rows),
    installers: await findInstallers(db),
  }
}

/** The rows of a query with a list of keys; none without a key. */
export async function find<Row>(db: Db, keys: unknown[], query: (list: SQL) => SQL): Promise<Row[]> {
  return keys.length === 0 ? [] : rowsOf<Row>(await db.execute(query(sql`${JSON.stringify(keys)}::jsonb`)))
}

async function findNames(db: Db, rows: AskedRow[]): Promise<Existing['names']> {
  const named = (kind: Referred) => [...new Set(rows.flatMap(({ change }) => change.assignment?.[kind] ?? []))]
  const namesIn = async (table: SQL, names: string[]) => {
    const found = await find<{ name: string }>(
      db,
      names,
      (list) => sql`
      select name from ${table} where name in (select jsonb_array_elements_text(${list}))`,
    )
    return new Set(found.map(({ name }) => name))
  }
  return {
    image: await namesIn(sql`images`, named('image')),
    menu: await namesIn(sql`menus`, named('menu')),
    answerFile: await namesIn(sql`answer_files`, named('answerFile')),
  }
}

/** All versions, if a row pins one: its image may be the one that the machine has. */
async function findVersions(db: Db, rows: AskedRow[]): Promise<Set<string>> {
  if (!rows.some(({ change }) => typeof change.assignment?.version === 'number')) return new Set()
  const found = await db.execute(sql`select image, version from image_versions`)
  return new Set(rowsOf<{ image: string; version: number }>(found).map(formatImageRef))
}
