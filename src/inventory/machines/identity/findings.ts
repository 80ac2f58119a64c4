// Findings about identities, installations and rollouts for operators.

import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { realValue } from '../../../lib/ids/placeholders.ts'
import { formatUuid, parseUuid, swapUuid } from '../../../lib/ids/uuid.ts'
import type { Facts } from '../../../model/facts.ts'
import { inventoryFindings } from '../../../model/findings/inventory.ts'
import { handleOf, nameOf } from '../../../model/machine.ts'
import { listArrivals } from './arrivals.ts'

/** Something in the inventory that an operator should settle, and the command that does. */
export type Finding = {
  code: InventoryFindingCode
  machines: { id: string; name: string }[]
  what: string
  nextStep: string
}

type InventoryFindingCode = keyof typeof inventoryFindings
export const inventoryFindingCodes = Object.keys(inventoryFindings) as InventoryFindingCode[]

const maxOfEach = 200

type Row = {
  id: string
  hostname: string | null
  macs: string[]
  uuid: string | null
  serial: string | null
  discovered: boolean
  facts: Facts
}

/** The open findings, at most 200 of each kind. */
export async function listFindings(db: Db): Promise<Finding[]> {
  const claims = await weakClaims(db)
  const told = new Set(claims.flatMap(({ machines }) => machines.map(({ id }) => id)))
  const shared = (await sharedValues(db)).filter(({ machines }) => !machines.some(({ id }) => told.has(id)))
  const others = [await reinstalls(db), await stoppedRollouts(db), await failedPower(db)]
  return [...claims, ...shared, ...others.flat(), ...(await listArrivals(db))]
}

const columnsOf = sql`machines.id, machines.hostname, machines.uuid, machines.serial, machines.discovered, machines.facts,
  array(select mac from machine_macs where machine_id = machines.id order by mac) as macs`

/** Machines whose UUID or serial was reported with a MAC of no such machine. */
async function weakClaims(db: Db): Promise<Finding[]> {
  const found = await db.execute(sql`
    select ${columnsOf}, array(select c.mac from identity_claims c where c.machine_id = machines.id order by c.at) as claimed
    from machines where exists (select 1 from identity_claims c where c.machine_id = machines.id) order by id limit ${maxOfEach}`)
  return rowsOf<Row & { claimed: string[] }>(found).flatMap((row) => {
    const others = row.claimed.filter((mac) => mac !== '' && !row.macs.includes(mac))
    // One MAC of a machine that was entered without any is the machine.
    if (row.macs.length === 0 && row.claimed.length < 2) return []
    const claimant = others.length === 0 ? 'a machine without a MAC' : others.join(', ')
    const finding: Finding = {
      code: row.claimed.length > 1 ? 'BW-IDENTITY-SHARED' : 'BW-IDENTITY-WEAK',
      machines: [named(row)],
      what: `${claimant} asked with the UUID or serial of ${named(row).name}, but has none of its MACs`,
      nextStep: `if it is this machine: bootwright machine set ${handle(row)} --add-mac ${others[0] ?? 'MAC'}; else --clear-uuid or --clear-serial`,
    }
    return [finding]
  })
}

/** UUIDs, and serials with their product, that several machines report. */
async function sharedValues(db: Db): Promise<Finding[]> {
  const uuids = await db.execute(sql`
    select ${columnsOf} from machines where facts ->> 'uuid' in (
      select facts ->> 'uuid' from machines where facts ? 'uuid' group by 1 having count(*) > 1 order by 1 limit ${maxOfEach})
    order by id limit ${maxOfEach * 10}`)
  const serials = await db.execute(sql`
    select ${columnsOf} from machines where (facts ->> 'serial', facts ->> 'product') in (
      select facts ->> 'serial', facts ->> 'product' from machines where facts ? 'serial' and facts ? 'product'
      group by 1, 2 having count(*) > 1 order by 1, 2 limit ${maxOfEach})
    order by id limit ${maxOfEach * 10}`)
  const byUuid = groupBy(rowsOf<Row>(uuids), ({ facts }) => uuidKey(facts.uuid))
  const bySerial = groupBy(rowsOf<Row>(serials), ({ facts }) => serialKey(facts))
  const told = new Set<string>()
  return [...byUuid, ...bySerial].flatMap(([key, rows]) => {
    const ids = rows.map(({ id }) => id).join(' ')
    if (rows.length < 2 || told.has(ids)) return []
    told.add(ids)
    return [sharedFinding(key, rows)]
  })
}

function sharedFinding(key: string, rows: Row[]): Finding {
  const machines = rows.map(named)
  const [first, second] = [...rows].sort((a, b) => Number(a.discovered) - Number(b.discovered)) as [Row, Row]
  const differ = new Set(rows.flatMap(({ facts }) => realValue(facts.serial) ?? [])).size > 1
  if (rows.length === 2 && second.discovered && !differ)
    return {
      code: 'BW-IDENTITY-PROBABLE',
      machines,
      what: `${named(second).name} is probably the same machine as ${named(first).name}: both reported ${key}`,
      nextStep: `if it is: bootwright machine merge ${handle(first)} --from ${handle(second)}`,
    }
  const kind = key.startsWith('UUID') ? 'uuid' : 'serial'
  const entered = rows.find((row) => row[kind] !== null)
  return {
    code: 'BW-IDENTITY-SHARED',
    machines,
    what: `${rows.length} machines report ${key}: it identifies none of them`,
    nextStep:
      entered === undefined
        ? 'enter them by their MACs: bootwright machine set MAC'
        : `remove the entered value: bootwright machine set ${handle(entered)} --clear-${kind}`,
  }
}

/** Machines whose last two installations were by their assignment, not by a deployment: they install at every boot. */
async function reinstalls(db: Db): Promise<Finding[]> {
  const found = await db.execute(sql`
    select ${columnsOf}, last.image from machines join lateral (
      select min(image) as image, count(*) as ended, count(*) filter (where outcome = 'installed' and deployment_id is null) as installed
      from (select image, outcome, deployment_id from boots where machine_id = machines.id
          and outcome in ('installed', 'booted', 'failed', 'handed-over') order by boots.seq desc limit 2) as latest
    ) as last on last.installed = 2
    where machines.id in (select machine_id from boots where outcome = 'installed' and deployment_id is null)
    order by machines.id limit ${maxOfEach}`)
  return rowsOf<Row & { image: string }>(found).map((row) => ({
    code: 'BW-REINSTALLS',
    machines: [named(row)],
    what: `${named(row).name} reported twice in a row that ${row.image} is installed, by its assignment: it installs at every boot`,
    nextStep: `to install once: bootwright deployment arm ${handle(row)} --image ${row.image}, after bootwright machine set ${handle(row)} --local`,
  }))
}

/** Rollouts that stopped, and wait for a person. */
async function stoppedRollouts(db: Db): Promise<Finding[]> {
  const found = await db.execute(sql`
    select id::text as id, image, version, reason from rollouts where state = 'stopped' order by seq desc limit ${maxOfEach}`)
  return rowsOf<{ id: string; image: string; version: number; reason: string | null }>(found).map((row) => ({
    code: 'BW-ROLLOUT-STOPPED',
    machines: [],
    what: `the rollout ${row.id} of ${row.image}@${row.version} stopped: ${row.reason ?? 'no reason is recorded'}`,
    nextStep: `bootwright rollout show ${row.id} --machines --state failed`,
  }))
}

/** Machines whose newest power request failed. A request of an action that works settles it. */
async function failedPower(db: Db): Promise<Finding[]> {
  const found = await db.execute(sql`
    select ${columnsOf}, last.action, last.message from machines
    join machine_power on machine_power.machine_id = machines.id
    join lateral (select state, action, message from power_requests where machine_id = machines.id
      and state in ('done', 'failed') order by seq desc limit 1) as last on last.state = 'failed'
    order by machines.id limit ${maxOfEach}`)
  return rowsOf<Row & { action: string; message: string }>(found).map((row) => ({
    code: 'BW-POWER-FAILED',
    machines: [named(row)],
    what: `the power of ${named(row).name} did not change (${row.action}): ${row.message}`,
    nextStep: `when it is corrected: bootwright machine power state ${handle(row)}`,
  }))
}

function groupBy(rows: Row[], keyOf: (row: Row) => string | undefined): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const key = keyOf(row)
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), row])
  }
  return groups
}

/** One text for both byte orders. */
function uuidKey(text: string | undefined): string | undefined {
  const uuid = text === undefined ? undefined : parseUuid(formatUuid(text) ?? '')
  return uuid && `UUID ${[uuid, swapUuid(uuid)].sort()[0]}`
}

function serialKey(facts: Facts): string | undefined {
  const [serial, product] = [realValue(facts.serial), realValue(facts.product)]
  return serial && product && `serial ${serial} of ${product}`
}

function named(row: Row): { id: string; name: string } {
  return { id: row.id, name: nameOf({ ...row, hostname: row.hostname ?? undefined }) }
}

function handle({ id, macs, uuid }: Row): string {
  return handleOf({ id, macs, ...(uuid !== null && { uuid }) })
}
