// Writes the planned rows of an upload.

import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import type { Tx } from '../../../db/transaction.ts'
import { formatImageRef } from '../../../model/image.ts'
import { type Actor, recordChanges } from '../../changes/changes.ts'
import { changeType } from '../../changes/types.ts'
import { holdRefs } from '../../images/pinned-versions.ts'
import { machineColumns } from '../fields.ts'
import { auditViewOf } from '../machines.ts'
import type { PlannedRow } from '../plan.ts'
import { ownersAfterEdit } from '../sync/paths.ts'
import { find } from './look-up.ts'

const rowsAtOnce = 1000

/** Another request changed the planned machines meanwhile. */
class RacedError extends Error {
  override name = 'RacedError'
}

/** False if another request changed the planned machines meanwhile: then nothing is written. */
export async function write(db: Db, work: PlannedRow[], by: Actor): Promise<boolean> {
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
const types = sql`id uuid, revision int, owners jsonb, ${columnList(({ name, type }) => `"${name}" ${type}`)}`

async function writeAll(tx: Tx, work: PlannedRow[], by: Actor): Promise<void> {
  const pins = new Set(
    work.flatMap(({ after: { assignment: { image, version } = {} } }) =>
      image === undefined || version === undefined ? [] : [formatImageRef({ image, version })],
    ),
  )
  if ((await holdRefs(tx, [...pins])).size < pins.size) throw new RacedError()
  const touched = work.flatMap(({ before, after, takesOver }) => [...(before ? [after.id] : []), ...takesOver])
  const gone = work.flatMap(({ before, after }) => before?.macs.filter((mac) => !after.macs.includes(mac)) ?? [])
  await find(
    tx,
    touched,
    (list) => sql`
    select id from machines where id in (select value::uuid from jsonb_array_elements_text(${list})) order by id for update`,
  )
  // Before any MAC is added: two machines may exchange theirs.
  await find(tx, gone, (list) => sql`delete from machine_macs where mac in (select jsonb_array_elements_text(${list}))`)
  for (let at = 0; at < work.length; at += rowsAtOnce) await writeRows(tx, work.slice(at, at + rowsAtOnce), by)
}

async function writeRows(tx: Tx, work: PlannedRow[], by: Actor): Promise<void> {
  const made = work.filter(({ before }) => before === undefined)
  const kept = work.filter(({ before }) => before !== undefined)
  const taken = work.flatMap(({ takesOver, after }) => takesOver.map((from) => ({ from, into: after.id })))
  const fresh = work
    .flatMap(({ before, after }) =>
      after.macs.filter((mac) => !before?.macs.includes(mac)).map((mac) => ({ mac, id: after.id })),
    )
    // Two uploads of the same MACs lock them in the same order, as with the machines above.
    .sort((a, b) => (a.mac < b.mac ? -1 : 1))
  const row = (planned: PlannedRow) => rowOf(planned, by)

  await find(
    tx,
    made.map(row),
    (list) => sql`
    insert into machines (id, discovered, owners, ${names}) select id, false, owners, ${names} from jsonb_to_recordset(${list}) as r(${types})`,
  )
  const updated = await find(
    tx,
    kept.map(row),
    (list) => sql`
    update machines m set discovered = false, owners = r.owners, ${columnList(({ name }) => `"${name}" = r."${name}"`)},
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

function rowOf({ before, after, owners }: PlannedRow, by: Actor) {
  const values = machineColumns.map(({ field, name }) => [name, after[field]])
  const edited = owners ?? ownersAfterEdit(before?.discovered ? undefined : before, after, by)
  return { id: after.id, revision: before?.revision, owners: edited, ...Object.fromEntries(values) }
}
