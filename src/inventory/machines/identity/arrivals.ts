// Findings about machines that arrive: others than expected, late, unexpected, or archived.

import { type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { realValue } from '../../../lib/ids/placeholders.ts'
import { folded } from '../../../model/identity/contradictions.ts'
import { handleOf } from '../../../model/machine.ts'
import { nameOfId } from '../names.ts'
import type { Finding } from './findings.ts'
import { foldedText } from './same-key.ts'

const maxOfEach = 200
const maxNames = 5

/** The findings about arrivals, at most 200 of each kind. */
export async function listArrivals(db: Db): Promise<Finding[]> {
  return [...(await others(db)), ...(await missing(db)), ...(await archived(db)), ...(await unexpected(db))]
}

type Other = {
  id: string
  name: string
  macs: string[]
  /** The machine that reported: the same one, or a discovered one with its serial. */
  seenId: string
  seenName: string
  serial: string | null
  product: string | null
  reportedSerial: string | null
  reportedProduct: string | null
}

const columns = (
  facts: SQL,
) => sql`e.id::text, ${nameOfId(sql`e.id`)} as name, array(select mac from machine_macs where machine_id = e.id order by mac) as macs,
  d.id::text as "seenId", ${nameOfId(sql`d.id`)} as "seenName", e.serial, e.product,
  ${facts} ->> 'serial' as "reportedSerial", ${facts} ->> 'product' as "reportedProduct"`

async function others(db: Db): Promise<Finding[]> {
  // A serial that differs makes the identity uncertain. Then only the boot has the reported facts, and not the machine.
  const reported = sql`coalesce(latest.facts, d.facts)`
  const differs = sql`(${foldedText(sql`e.product`)} <> ${foldedText(sql`${reported} ->> 'product'`)}
    or ${foldedText(sql`e.serial`)} <> ${foldedText(sql`${reported} ->> 'serial'`)})`
  const found = await db.execute(sql`
    select ${columns(reported)} from machines as e join machines as d on d.id = e.id left join lateral (
      select facts from boots where machine_id = e.id and mac in (select mac from machine_macs where machine_id = e.id)
      order by seq desc limit 1) as latest on true
    where not e.discovered and (e.product is not null or e.serial is not null) and ${differs}
    union all
    select ${columns(sql`d.facts`)} from machines as d join machines as e on ${foldedText(sql`e.serial`)} = ${foldedText(sql`d.facts ->> 'serial'`)}
    where d.discovered and not e.discovered and ${foldedText(sql`e.product`)} <> ${foldedText(sql`d.facts ->> 'product'`)}
    limit ${maxOfEach}`)
  return rowsOf<Other>(found).flatMap((row): Finding[] => {
    const faults = [
      ...difference('product', row.product, row.reportedProduct),
      ...difference('serial', row.serial, row.reportedSerial),
    ]
    if (faults.length === 0) return []
    const isSame = row.id === row.seenId
    const seen = isSame ? row.name : `${row.seenName}, which has the serial of ${row.name},`
    const handle = handleOf({ id: row.id, macs: row.macs })
    return [
      {
        code: 'BW-EXPECTED-OTHER',
        machines: [{ id: row.id, name: row.name }, ...(isSame ? [] : [{ id: row.seenId, name: row.seenName }])],
        what: `${seen} reports ${faults.join(' and ')}`,
        nextStep: `if the machine is right, correct the entry: bootwright machine set ${handle} ${corrections(row)}`,
      },
    ]
  })
}

/** The options that enter what the machine reported. */
function corrections({ product, reportedProduct, serial, reportedSerial }: Other): string {
  const option = (field: string, entered: string | null, reported: string | null) =>
    difference(field, entered, reported).length === 0
      ? []
      : [`--${field} '${(reported ?? '').replaceAll("'", "'\\''")}'`]
  return [...option('product', product, reportedProduct), ...option('serial', serial, reportedSerial)].join(' ')
}

function difference(field: string, entered: string | null, reported: string | null): string[] {
  const [expected, real] = [realValue(entered ?? undefined), realValue(reported ?? undefined)]
  if (expected === undefined || real === undefined || folded(expected) === folded(real)) return []
  return [`${field} ${real} instead of ${expected}`]
}

/** A day has passed when it ended in the last time zone, UTC-12. */
async function missing(db: Db): Promise<Finding[]> {
  const found = await db.execute(sql`
    select id::text, ${nameOfId(sql`machines.id`)} as name, expected_by as day,
      (select external_id from machine_sources where machine_id = machines.id order by owner limit 1) as "externalId"
    from machines where expected_by < to_char(now() at time zone 'utc' - interval '12 hours', 'YYYY-MM-DD') and not discovered and last_seen_at is null
    order by expected_by, id limit ${maxOfEach}`)
  return rowsOf<{ id: string; name: string; day: string; externalId: string | null }>(found).map(
    ({ id, name, day, externalId }) => {
      const words = name === id ? (externalId ?? name) : name
      return {
        code: 'BW-EXPECTED-MISSING',
        machines: [{ id, name: words }],
        what: `${words} was expected by ${day}, and never asked for a script`,
        nextStep: `to wait longer: bootwright machine set ${name} --expected-by DAY`,
      }
    },
  )
}

async function archived(db: Db): Promise<Finding[]> {
  const found = await db.execute(sql`
    select a.id::text as "archivedId", a.name as "archivedName", m.id::text, ${nameOfId(sql`m.id`)} as name, mac
    from archived_machines as a, jsonb_array_elements_text(a.macs) as k(mac)
    join machine_macs using (mac) join machines as m on m.id = machine_id
    where m.discovered order by a.id, mac limit ${maxOfEach}`)
  type Row = { archivedId: string; archivedName: string; id: string; name: string; mac: string }
  return rowsOf<Row>(found).map(({ archivedId, archivedName, id, name, mac }) => ({
    code: 'BW-ARCHIVED-BOOTS',
    machines: [{ id, name }],
    what: `${mac} asked for a script, but its machine ${archivedName} is archived`,
    nextStep: `to use it again: bootwright machine restore ${archivedId}`,
  }))
}

/** Only where an inventory synchronizes: elsewhere every new machine is discovered first. */
async function unexpected(db: Db): Promise<Finding[]> {
  const found = await db.execute(sql`
    select id::text, ${nameOfId(sql`machines.id`)} as name, count(*) over ()::int as count
    from machines where discovered and exists (select 1 from machine_sources) order by id limit ${maxNames}`)
  const rows = rowsOf<{ id: string; name: string; count: number }>(found)
  const [first] = rows
  if (first === undefined) return []
  const names = rows.map(({ name }) => name).join(', ')
  return [
    {
      code: 'BW-UNEXPECTED',
      machines: rows.map(({ id, name }) => ({ id, name })),
      what: `${first.count === 1 ? '1 machine' : `${first.count} machines`} arrived that no inventory names: ${names}${first.count > rows.length ? ' …' : ''}`,
      nextStep: 'to list them: bootwright machine list --discovered',
    },
  ]
}
