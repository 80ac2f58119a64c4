// Saves many machines of an upload.

import { type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import type { Tx } from '../../db/transaction.ts'
import { ConflictError } from '../../lib/errors.ts'
import { swapUuid } from '../../lib/ids/uuid.ts'
import { formatImageRef } from '../../model/image.ts'
import type { Machine } from '../../model/machine.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { changeType } from '../changes/types.ts'
import { findInstallers } from '../images/installers.ts'
import { holdRefs } from '../images/pinned-versions.ts'
import { machineColumns } from './fields.ts'
import { isSerial } from './identity/same-key.ts'
import { auditViewOf, findMachines } from './machines.ts'
import {
  addEarlier,
  type BadRow,
  type EarlierRows,
  type Existing,
  type MachineRow,
  type PlannedRow,
  planRows,
} from './plan.ts'
import type { Referred } from './references.ts'

/**
 * Creates or changes the machines of some rows (up to a thousand), in one short transaction. Bad rows are left out, and
 * rows without a change leave no trace. With `dryRun` nothing is written. `earlier` describes the earlier rows of the
 * same upload, and these rows are added to it. A preview does not read the machines of `found` again.
 * @throws ConflictError when other requests keep changing the same machines
 */
export async function saveMachineRows(
  db: Db,
  rows: MachineRow[],
  { dryRun, by, found = [] }: { dryRun: boolean; by: Actor; found?: Machine[] | undefined },
  earlier: EarlierRows,
): Promise<(PlannedRow | BadRow)[]> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const { plans, added } = planRows(rows, await lookUp(db, rows, dryRun ? found : []), earlier)
    const work = plans.filter((plan): plan is PlannedRow => 'outcome' in plan && plan.outcome !== 'unchanged')
    if (dryRun || work.length === 0 || (await write(db, work, by))) {
      addEarlier(earlier, added)
      return plans
    }
  }
  throw new ConflictError('other requests are changing the same machines. Try again later')
}

/** Tells the planner of the database about many new machines. The embedded database has no autovacuum, which does that. */
export async function refreshStatistics(db: Db): Promise<void> {
  await db.execute(sql`analyze machines, machine_macs, machine_search`)
}

async function lookUp(db: Db, rows: MachineRow[], found: Machine[]): Promise<Existing> {
  const present = new Map(found.map((machine) => [machine.id, machine]))
  const keys = rows.map(({ key }) => key)
  const macs = rows.flatMap(({ key, change }) => [...('mac' in key ? [key.mac] : []), ...(change.macs ?? [])])
  const asked = keys.flatMap((key) => ('id' in key && !present.has(key.id) ? [key.id] : []))
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

  const ids = [...new Set([...owners, ...meant, ...withUuid, ...withSerial].map(({ id }) => id))]
  const machines = new Map((await findMachines(db, ids)).map((machine) => [machine.id, machine]))
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

async function find<Row>(db: Db, keys: unknown[], query: (list: SQL) => SQL): Promise<Row[]> {
  return keys.length === 0 ? [] : rowsOf<Row>(await db.execute(query(sql`${JSON.stringify(keys)}::jsonb`)))
}

async function findNames(db: Db, rows: MachineRow[]): Promise<Existing['names']> {
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
async function findVersions(db: Db, rows: MachineRow[]): Promise<Set<string>> {
  if (!rows.some(({ change }) => typeof change.assignment?.version === 'number')) return new Set()
  const found = await db.execute(sql`select image, version from image_versions`)
  return new Set(rowsOf<{ image: string; version: number }>(found).map(formatImageRef))
}

class RacedError extends Error {
  override name = 'RacedError'
}

/** False if another request changed the planned machines meanwhile: then nothing is written. */
async function write(db: Db, work: PlannedRow[], by: Actor): Promise<boolean> {
  try {
    await db.transaction(async (transaction) => writeAll(transaction, work, by))
    return true
  } catch (error) {
    if (error instanceof RacedError) return false
    throw error
  }
}

const columnList = (format: (column: (typeof machineColumns)[number]) => string) =>
  sql.raw(machineColumns.map(format).join(', '))
const names = columnList(({ name }) => `"${name}"`)
const types = sql`id uuid, revision int, ${columnList(({ name, type }) => `"${name}" ${type}`)}`

async function writeAll(tx: Tx, work: PlannedRow[], by: Actor): Promise<void> {
  const made = work.filter(({ before }) => before === undefined)
  const kept = work.filter(({ before }) => before !== undefined)
  const taken = work.flatMap(({ takesOver, after }) => takesOver.map((from) => ({ from, into: after.id })))
  const gone = kept.flatMap(({ before, after }) => before?.macs.filter((mac) => !after.macs.includes(mac)) ?? [])
  const fresh = work
    .flatMap(({ before, after }) =>
      after.macs.filter((mac) => !before?.macs.includes(mac)).map((mac) => ({ mac, id: after.id })),
    )
    // Two uploads of the same MACs lock them in the same order, as with the machines below.
    .sort((a, b) => (a.mac < b.mac ? -1 : 1))
  const touched = [...kept.map(({ after }) => after.id), ...taken.map(({ from }) => from)]

  const pins = new Set(
    work.flatMap(({ after: { assignment: { image, version } = {} } }) =>
      image === undefined || version === undefined ? [] : [formatImageRef({ image, version })],
    ),
  )
  if ((await holdRefs(tx, [...pins])).size < pins.size) throw new RacedError()
  await find(
    tx,
    touched,
    (list) => sql`
    select id from machines where id in (select value::uuid from jsonb_array_elements_text(${list})) order by id for update`,
  )
  await find(tx, gone, (list) => sql`delete from machine_macs where mac in (select jsonb_array_elements_text(${list}))`)
  await find(
    tx,
    made.map(rowOf),
    (list) => sql`
    insert into machines (id, discovered, ${names}) select id, false, ${names} from jsonb_to_recordset(${list}) as r(${types})`,
  )
  const updated = await find(
    tx,
    kept.map(rowOf),
    (list) => sql`
    update machines m set discovered = false, ${columnList(({ name }) => `"${name}" = r."${name}"`)},
      revision = m.revision + 1, updated_at = now()
    from jsonb_to_recordset(${list}) as r(${types}) where m.id = r.id and m.revision = r.revision returning m.id`,
  )
  await find(
    tx,
    taken,
    (list) => sql`
    update boots b set machine_id = r."into" from jsonb_to_recordset(${list}) as r("from" uuid, "into" uuid)
    where b.machine_id = r."from"`,
  )
  const removed = await find(
    tx,
    taken.map(({ from }) => from),
    (list) => sql`
    delete from machines where discovered and id in (select value::uuid from jsonb_array_elements_text(${list})) returning id`,
  )
  const added = await find(
    tx,
    fresh,
    (list) => sql`
    insert into machine_macs (mac, machine_id) select mac, id from jsonb_to_recordset(${list}) as r(mac text, id uuid)
    on conflict do nothing returning mac`,
  )
  if (updated.length < kept.length || removed.length < taken.length || added.length < fresh.length)
    throw new RacedError()
  await recordChanges(
    tx,
    work.map(({ before, after }) => {
      const entered = before?.discovered ? undefined : before
      const type = changeType('machine', entered, after)
      return { actor: by, type, subject: after.id, before: entered && auditViewOf(entered), after: auditViewOf(after) }
    }),
  )
}

function rowOf({ before, after }: PlannedRow) {
  const values = machineColumns.map(({ field, name }) => [name, after[field]])
  return { id: after.id, revision: before?.revision, ...Object.fromEntries(values) }
}
