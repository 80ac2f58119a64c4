// Searches and sorts machines.

import { and, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { machines } from '../../db/schema/machines.ts'
import { swapUuid } from '../../lib/ids/uuid.ts'
import type { Facts } from '../../model/facts.ts'
import type { Machine } from '../../model/machine.ts'
import { type MachineField, machineFields } from './fields.ts'
import { selectMachines } from './machines.ts'

/** A search for machines; all conditions must hold. */
export type MachineSearch = {
  discovered?: boolean | undefined
  denied?: boolean | undefined
  image?: string | undefined
  menu?: string | undefined
  hostname?: string | undefined
  serial?: string | undefined
  product?: string | undefined
  asset?: string | undefined
  uuid?: string | undefined
  labels?: Record<string, string> | undefined
  /** Labels that all machines must have, besides `labels`. */
  scope?: Record<string, string> | undefined
  /** Facts by name: the value that an operator entered, else the value that the machine reported. */
  facts?: Partial<Record<FactName, string>> | undefined
  /** Found somewhere in the host name, the serial, the asset tag or a MAC. */
  q?: string | undefined
  seenSince?: Date | undefined
  /** Machines never seen are among them. */
  notSeenSince?: Date | undefined
}

export const factNames = [
  'uuid',
  'serial',
  'product',
  'asset',
  'hostname',
  'manufacturer',
  'platform',
  'buildarch',
  'cpuarch',
  'version',
  'ip',
] as const satisfies (keyof Facts)[]
export type FactName = (typeof factNames)[number]

export const machineOrders = ['created', 'updated', 'hostname', 'lastSeen'] as const

/** Machines without the value they are sorted by come last. */
export type MachineSort = { by: (typeof machineOrders)[number]; descending: boolean }

/** The oldest machine first. */
export const creationOrder: MachineSort = { by: 'created', descending: false }

/** The machine that a page ended with: its id, and the value it was sorted by. */
export type MachineCursor = { id: string; value: string | null }

/** One page of the machines that match, after the last machine of the previous page. */
export async function searchMachines(
  db: Db,
  search: MachineSearch,
  { by, descending }: MachineSort,
  limit: number,
  after?: MachineCursor,
): Promise<Machine[]> {
  const way = descending ? sql`desc` : sql`asc`
  const column = sortColumns[by]
  const order = [...(column === undefined ? [] : [sql`${column} ${way} nulls last`]), sql`${machines.id} ${way}`]
  return selectMachines(db, and(conditionOf(search), after && pastCursor(by, descending, after)), limit, ...order)
}

/** Where the page that ends with this machine ended. */
export function cursorOf(machine: Machine, { by }: MachineSort): MachineCursor {
  const values = {
    created: undefined,
    updated: machine.updatedAt,
    hostname: machine.hostname,
    lastSeen: machine.lastSeenAt,
  }
  const value = values[by]
  return { id: machine.id, value: value instanceof Date ? value.toISOString() : (value ?? null) }
}

/** The names of all labels and params of the matching machines, at most `max` of each. */
export async function listMachineKeys(
  db: Db,
  search: MachineSearch,
  max: number,
): Promise<{ labels: string[]; params: string[] }> {
  const keysOf = async (value: SQL) => {
    const found = await db.execute(sql`
      select distinct key from ${machines}, jsonb_object_keys(${value}) as keys(key) where ${conditionOf(search) ?? sql`true`}
      order by key limit ${max}`)
    return rowsOf<{ key: string }>(found).map(({ key }) => key)
  }
  return {
    labels: await keysOf(sql`${machines.labels}`),
    params: await keysOf(sql`coalesce(${machines.assignment} -> 'params', '{}')`),
  }
}

const sortColumns = {
  created: undefined,
  updated: machines.updatedAt,
  hostname: machines.hostname,
  lastSeen: machines.lastSeenAt,
}

function pastCursor(by: MachineSort['by'], descending: boolean, { id, value }: MachineCursor): SQL {
  const past = descending ? sql`<` : sql`>`
  const pastId = sql`${machines.id} ${past} ${id}::uuid`
  const column = sortColumns[by]
  if (column === undefined) return pastId
  if (value === null) return sql`(${column} is null and ${pastId})`
  const here = by === 'hostname' ? sql`${value}` : sql`${value}::timestamptz`
  return sql`(${column} ${past} ${here} or (${column} = ${here} and ${pastId}) or ${column} is null)`
}

function conditionOf(search: MachineSearch): SQL | undefined {
  const { discovered, denied, image, menu, uuid, labels, scope, facts = {}, q, seenSince, notSeenSince } = search
  const texts = (['serial', 'product', 'asset'] as const).map((name) =>
    // The entered value, else the reported one.
    search[name] === undefined
      ? undefined
      : sql`(${machines[name]} = ${search[name]} or (${machines[name]} is null and ${machines.facts} ->> ${name} = ${search[name]}))`,
  )
  const reported = Object.entries(facts).map(([name, value]) => {
    const entered = name in machineFields ? sql`${machines[name as keyof typeof machines & MachineField]}` : sql`null`
    return sql`coalesce(${entered}, ${machines.facts} ->> ${name}) = ${value}`
  })
  return and(
    ...texts,
    ...reported,
    search.hostname === undefined ? undefined : sql`${machines.hostname} = ${search.hostname}`,
    discovered === undefined ? undefined : sql`${machines.discovered} = ${discovered}`,
    denied === undefined ? undefined : sql`${machines.denied} = ${denied}`,
    image === undefined ? undefined : sql`${machines.assignment} ->> 'image' = ${image}`,
    menu === undefined ? undefined : sql`${machines.assignment} ->> 'menu' = ${menu}`,
    uuid === undefined
      ? undefined
      : sql`(${machines.uuid} in (${uuid}, ${swapUuid(uuid)}) or (${machines.uuid} is null and ${machines.facts} ->> 'uuid' in (${uuid}, ${swapUuid(uuid)})))`,
    labels === undefined ? undefined : hasLabels(labels),
    scope === undefined ? undefined : hasLabels(scope),
    seenSince === undefined ? undefined : sql`${machines.lastSeenAt} >= ${seenSince.toISOString()}::timestamptz`,
    notSeenSince === undefined
      ? undefined
      : sql`(${machines.lastSeenAt} < ${notSeenSince.toISOString()}::timestamptz or ${machines.lastSeenAt} is null)`,
    q === undefined ? undefined : found(q),
  )
}

/** Whether a machine has all these labels. */
export function hasLabels(labels: Record<string, string>): SQL {
  return sql`${machines.labels} @> ${JSON.stringify(labels)}::jsonb`
}

/** Whether a row belongs to a machine that has all these labels. */
export function isOfMachineWith(machineId: AnyPgColumn, labels: Record<string, string>): SQL {
  return sql`${machineId} in (select id from machines where labels @> ${JSON.stringify(labels)}::jsonb)`
}

function found(q: string): SQL {
  const like = (text: string) => `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`
  const digits = q.toLowerCase().replaceAll(/[:.-]/g, '')
  const byMac = /^[0-9a-f]{1,12}$/.test(digits)
    ? sql`or exists (select 1 from machine_macs where machine_id = ${machines.id} and replace(mac, ':', '') like ${like(digits)})`
    : sql``
  return sql`(${machines.hostname} ilike ${like(q)} or coalesce(${machines.serial}, ${machines.facts} ->> 'serial') ilike ${like(q)}
    or coalesce(${machines.asset}, ${machines.facts} ->> 'asset') ilike ${like(q)} ${byMac})`
}
