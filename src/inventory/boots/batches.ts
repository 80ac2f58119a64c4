// Batches: deployments that were armed together.

import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { batchOthers } from '../../db/schema/boots.ts'
import type { Tx } from '../../db/transaction.ts'
import type { DeploymentState } from '../../model/deployment.ts'
import type { Machine } from '../../model/machine.ts'
import { inPlaces, shareCount } from '../../model/rollout/waves.ts'
import type { Deployment } from './deployments.ts'

/** A batch. `states` counts each machine once, by its newest deployment of the batch. */
export type Batch = {
  batch: string
  image: string
  version: number | null
  armedBy: string
  createdAt: Date
  machines: number
  states: Partial<Record<DeploymentState, number>>
}

type Scope = Record<string, string> | undefined

/** Batches, newest first, those before the batch `before`. */
export async function listBatches(db: Db, scope: Scope, limit: number, before?: string): Promise<Batch[]> {
  // One step in the index for each batch.
  const found = await db.execute(sql`
    with recursive ids as (
      (select batch from deployments where batch is not null and ${before === undefined ? sql`true` : sql`batch < ${before}::uuid`}
        order by batch desc limit 1)
      union all
      select (select d.batch from deployments as d where d.batch < ids.batch order by d.batch desc limit 1) from ids
      where ids.batch is not null)
    select batch::text as batch from ids where batch is not null and ${inScope(scope, sql`ids.batch`)} limit ${limit}`)
  const batches = await Promise.all(rowsOf<{ batch: string }>(found).map(({ batch }) => findBatch(db, batch, scope)))
  return batches.filter((batch) => batch !== undefined)
}

/** A batch; undefined if it has no deployment. */
export async function findBatch(db: Db, batch: string, scope: Scope): Promise<Batch | undefined> {
  const found = await db.execute(sql`
    select state, count(*)::int as n, min(image) as image, min(version) as version, min(armed_by) as by, min(first) as first from (
      select distinct on (machine_id) state, image, version, armed_by, min(created_at) over () as first
      from deployments where batch = ${batch}::uuid and ${ofScope(scope)} order by machine_id, seq desc) as newest
    group by state`)
  const rows = rowsOf<{
    state: DeploymentState
    n: number
    image: string
    version: number | null
    by: string
    first: Date
  }>(found)
  const [row] = rows
  if (row === undefined) return undefined
  return {
    batch,
    image: row.image,
    version: row.version,
    armedBy: row.by,
    createdAt: new Date(row.first),
    machines: rows.reduce((sum, { n }) => sum + n, 0),
    states: Object.fromEntries(rows.map(({ state, n }) => [state, n])),
  }
}

/** The failed deployments of a batch, where no newer deployment of the batch is for the same machine. */
export async function listFailed(db: Db, batch: string, scope: Scope): Promise<Deployment[]> {
  const ids = await db.execute(sql`
    select id, machine_id as "machineId", image, version, assignment, max_attempts as "maxAttempts", window_seconds as "windowSeconds" from (
      select distinct on (machine_id) * from deployments where batch = ${batch}::uuid and ${ofScope(scope)}
      order by machine_id, seq desc) as newest
    where state = 'failed'`)
  return rowsOf<Deployment>(ids)
}

/** The ids of the machines that have a deployment of a batch. */
export async function machinesOfBatch(db: Db, batch: string): Promise<Set<string>> {
  const found = await db.execute(sql`select distinct machine_id as id from deployments where batch = ${batch}::uuid`)
  return new Set(rowsOf<{ id: string }>(found).map(({ id }) => id))
}

/** Keeps the machines that the share of a batch left out. */
export async function saveOthers(tx: Tx, batch: string, machineIds: string[]): Promise<void> {
  if (machineIds.length > 0) await tx.insert(batchOthers).values({ batch, machineIds })
}

/** The ids of the machines that the share of a batch left out, without those that were armed since. */
export async function findOthers(db: Db, batch: string, scope: Scope): Promise<string[]> {
  const found = await db.execute(sql`
    with others as (select value::uuid as machine_id from batch_others, jsonb_array_elements_text(machine_ids) where batch = ${batch}::uuid)
    select machine_id as id from others join machines on machines.id = machine_id
    where ${ofScope(scope)} and not exists (select 1 from deployments as later where later.machine_id = others.machine_id
      and later.seq > (select min(seq) from deployments as own where own.batch = ${batch}::uuid))`)
  return rowsOf<{ id: string }>(found).map(({ id }) => id)
}

/** A share of machines, in percent, at least one. A larger share of the same machines contains the smaller one. */
export function shareOf(machines: Machine[], percent: number): Machine[] {
  const byId = new Map(machines.map((machine) => [machine.id, machine]))
  const chosen = inPlaces([...byId.keys()]).slice(0, shareCount(machines.length, percent))
  return chosen.flatMap((id) => byId.get(id) ?? [])
}

function ofScope(scope: Scope) {
  if (scope === undefined) return sql`true`
  return sql`machine_id in (select id from machines where labels @> ${JSON.stringify(scope)}::jsonb)`
}

function inScope(scope: Scope, batch: ReturnType<typeof sql>) {
  if (scope === undefined) return sql`true`
  return sql`exists (select 1 from deployments as s where s.batch = ${batch} and ${ofScope(scope)})`
}
