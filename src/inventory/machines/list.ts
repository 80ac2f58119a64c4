// Searches and sorts machines.

import { and, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { machines } from '../../db/schema/machines.ts'
import { targetOf } from '../../model/facts.ts'
import type { Machine } from '../../model/machine.ts'
import { compileSelector, subjectOf } from '../../model/selector.ts'
import { selectMachines } from './machines.ts'
import { conditionOf, type MachineSearch, splitSearch } from './search/condition.ts'

export const machineOrders = ['created', 'updated', 'hostname', 'lastSeen'] as const

const nearMachines = 2000

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
  sort: MachineSort,
  limit: number,
  after?: MachineCursor,
): Promise<Machine[]> {
  if (search.selector === undefined) return pageOf(db, search, sort, limit, after)
  const refuses = compileSelector(search.selector)
  const found: Machine[] = []
  for (let last = after, size = limit; ; size = Math.max(limit, 1000)) {
    const page = await pageOf(db, search, sort, size, last)
    found.push(...page.filter((machine) => refuses(subjectOf(machine, {}, targetOf({}, machine.facts))) === undefined))
    const end = page.at(-1)
    if (end === undefined || page.length < size || found.length >= limit) return found.slice(0, limit)
    last = cursorOf(end, sort)
  }
}

/** All machines that match, in the order of their creation. */
export async function findAllMachines(db: Db, search: MachineSearch): Promise<Machine[]> {
  const found: Machine[] = []
  for (let after: MachineCursor | undefined; ; ) {
    const page = await searchMachines(db, search, creationOrder, 1000, after)
    found.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < 1000) return found
    after = cursorOf(last, creationOrder)
  }
}

async function pageOf(
  db: Db,
  search: MachineSearch,
  { by, descending }: MachineSort,
  limit: number,
  after: MachineCursor | undefined,
): Promise<Machine[]> {
  const way = descending ? sql`desc` : sql`asc`
  const column = sortColumns[by]
  const order = [...(column === undefined ? [] : [sql`${column} ${way} nulls last`]), sql`${machines.id} ${way}`]
  const past = after && pastCursor(by, descending, after)
  const { narrow, wide } = splitSearch(search)
  if (narrow === undefined || wide !== undefined || column !== undefined)
    return selectMachines(db, and(conditionOf(search), past), limit, ...order)
  // The narrow table alone finds the page. The database cannot know how many machines have a value, so the next ones come first:
  // a value that many machines have fills the page from them.
  const further = after === undefined ? sql`true` : sql`machine_id ${descending ? sql`<` : sql`>`} ${after.id}::uuid`
  const next = sql`select * from machine_search where ${further} order by machine_id ${way}`
  const pageIn = (rows: SQL) => {
    const ids = sql`select machine_id from (${rows}) as found where ${narrow} order by machine_id ${way} limit ${limit}`
    return selectMachines(db, sql`${machines.id} in (${ids})`, limit, ...order)
  }
  const near = await pageIn(sql`${next} limit ${nearMachines}`)
  return near.length === limit ? near : pageIn(sql`select * from machine_search where ${further}`)
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

/** Whether a row belongs to a machine that has all these labels. */
export function isOfMachineWith(machineId: AnyPgColumn, labels: Record<string, string>): SQL {
  return sql`${machineId} in (select id from machines where labels @> ${JSON.stringify(labels)}::jsonb)`
}
