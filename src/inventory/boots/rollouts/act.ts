// Arms and assigns the machines of a rollout, and takes them back.

import { sql } from 'drizzle-orm'
import { rowsOf } from '../../../db/rows.ts'
import type { Tx } from '../../../db/transaction.ts'
import { isSameJson } from '../../../lib/canonical.ts'
import type { Assignment } from '../../../model/assignment.ts'
import { type Machine, nameOf } from '../../../model/machine.ts'
import type { RolloutMachineState } from '../../../model/rollout/rollout.ts'
import type { Actor } from '../../changes/changes.ts'
import { type AssignmentChange, assignmentFieldNames, assignmentFields } from '../../machines/assignment-change.ts'
import { saveMachineRows } from '../../machines/bulk.ts'
import { findMachines } from '../../machines/machines.ts'
import { nothingEarlier } from '../../machines/plan.ts'
import { powerArmed } from '../../machines/power/arming.ts'
import { cancelPowerOf } from '../../machines/power/requests.ts'
import { armMachines, type DeploymentOrder } from '../deployments.ts'
import { cancelThose } from './cancel.ts'
import { orderOfRollout, type Rollout } from './rollouts.ts'

/** Why machines must not be armed, by their ids. */
export type Refusals = ReadonlyMap<string, string>

const machinesAtOnce = 1000

/** The order of the deployments of a rollout. */
export function deploymentOrderOf(rollout: Rollout): DeploymentOrder {
  const { image, version, assignment, maxAttempts, windowSeconds } = orderOfRollout(rollout)
  const { everyBoot: _, ...how } = assignment
  return { image, version, assignment: how, maxAttempts, windowSeconds }
}

/**
 * Arms or assigns those of these machines that still wait, in this transaction: each at most once. Machines that are refused are
 * skipped with the reason. @returns the number of machines by their new state
 */
export async function actOnWaiting(
  tx: Tx,
  rollout: Rollout,
  machineIds: string[],
  refusals: Refusals,
): Promise<{ armed: number; skipped: number }> {
  const waiting = rowsOf<{ id: string }>(
    await tx.execute(sql`
      select machine_id::text as id from rollout_machines
      where rollout_id = ${rollout.id}::uuid and state = 'waiting' and wave <= ${rollout.wave} and machine_id in ${idsOf(machineIds)}
      order by place for update`),
  )
  const machines = await findMachines(
    tx,
    waiting.map(({ id }) => id),
  )
  const rows =
    rollout.action === 'deploy'
      ? await armAll(tx, rollout, machines, refusals)
      : await assignAll(tx, rollout, machines, refusals)
  await writeActed(tx, rollout, rows)
  const armed = rows.filter(({ state }) => state === 'armed').length
  return { armed, skipped: rows.length - armed }
}

type Acted = {
  id: string
  state: RolloutMachineState
  reason?: string
  deployment?: string
  former?: Assignment | null
  given?: Assignment | null
}

async function armAll(tx: Tx, rollout: Rollout, machines: Machine[], refusals: Refusals): Promise<Acted[]> {
  if (machines.length === 0) return []
  const options = { dryRun: false, batch: rollout.id }
  const order = deploymentOrderOf(rollout)
  const { armed, skipped } = await armMachines(tx, machines, order, options, rollout.createdBy, refusals)
  await powerArmed(tx, armed, rollout.power ?? undefined, rollout.createdBy, rollout.id)
  return [
    ...armed.map(({ id, machineId }) => ({ id: machineId, state: 'armed' as const, deployment: id })),
    ...skipped.map(({ machineId, why }) => ({ id: machineId, state: 'skipped' as const, reason: why })),
  ]
}

async function assignAll(tx: Tx, rollout: Rollout, machines: Machine[], refusals: Refusals): Promise<Acted[]> {
  const { image, version, assignment } = rollout
  const refusalOf = (machine: Machine) =>
    machine.denied ? `machine ${nameOf(machine)} is denied` : refusals.get(machine.id)
  const skipped = machines.flatMap((machine) => {
    const reason = refusalOf(machine)
    return reason === undefined ? [] : [{ id: machine.id, state: 'skipped' as const, reason }]
  })
  const free = machines.filter((machine) => refusalOf(machine) === undefined)
  const change = { image, version, ...assignment }
  const saved = await saveAssignments(tx, free, () => change, rollout.createdBy)
  return [
    ...skipped,
    ...saved.map(({ before, after, fault }): Acted => {
      if (fault !== undefined) return { id: before.id, state: 'skipped', reason: fault }
      return { id: before.id, state: 'armed', former: before.assignment ?? null, given: after?.assignment ?? null }
    }),
  ]
}

async function writeActed(tx: Tx, { id }: Rollout, rows: Acted[]): Promise<void> {
  if (rows.length === 0) return
  await tx.execute(sql`
    update rollout_machines as m set state = r.state, reason = r.reason, attempt = m.attempt + (r.state = 'armed')::int,
      deployment_id = coalesce(r.deployment, m.deployment_id), started_at = null,
      former_deployment_id = case when m.attempt > 0 then m.former_deployment_id else (select d.id from deployments d
        where d.machine_id = m.machine_id and d.state = 'installed' order by d.seq desc limit 1) end,
      former = case when m.given is null and r.state = 'armed' then r.former else m.former end,
      given = case when r.state = 'armed' then r.given else m.given end,
      acted_at = case when r.state = 'armed' then now() end, ended_at = case when r.state = 'skipped' then now() end
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as r(id uuid, state text, reason text, deployment uuid, former jsonb, given jsonb)
    where m.rollout_id = ${id}::uuid and m.machine_id = r.id`)
}

/**
 * Takes back all machines that were armed or assigned and have not begun: their deployments are cancelled, and their former
 * assignments return. They wait again. @returns their number
 */
export async function withdrawMachines(tx: Tx, rollout: Rollout, why: string, by: Actor): Promise<number> {
  if (rollout.action === 'assign') {
    const { restored, kept } = await restoreAssignments(tx, rollout, ['armed'], 'waiting', by)
    return restored + kept
  }
  const armed = await tx.execute(sql`
    select deployment_id::text as id from rollout_machines where rollout_id = ${rollout.id}::uuid and state = 'armed'`)
  const ids = rowsOf<{ id: string }>(armed).map(({ id }) => id)
  const cancelled = await cancelThose(tx, ids, why, by, ['armed'])
  await cancelPowerOf(tx, cancelled, why, by)
  await tx.execute(sql`
    update rollout_machines set state = 'waiting', acted_at = null, deployment_id = null, reason = null
    where rollout_id = ${rollout.id}::uuid and state = 'armed' and deployment_id in ${idsOf(cancelled)}`)
  return cancelled.length
}

/**
 * Gives machines in some states the assignments that they had before the rollout. Machines whose assignment was changed since keep
 * it. `kept` counts these, and the machines whose former assignment can no longer be saved. They do not wait again.
 */
export async function restoreAssignments(
  tx: Tx,
  rollout: Rollout,
  states: RolloutMachineState[],
  next: RolloutMachineState,
  by: Actor,
): Promise<{ restored: number; kept: number }> {
  const total = { restored: 0, kept: 0 }
  const list = rowsOf<{ id: string; former: Assignment | null; given: Assignment | null }>(
    await tx.execute(sql`
      select machine_id::text as id, former, given from rollout_machines
      where rollout_id = ${rollout.id}::uuid and state in ${namesOf(states)} and attempt > 0 order by place`),
  )
  for (let at = 0; at < list.length; at += machinesAtOnce) {
    const slice = new Map(list.slice(at, at + machinesAtOnce).map((row) => [row.id, row]))
    const machines = await findMachines(tx, [...slice.keys()])
    const isGiven = ({ id, assignment }: Machine) => isSameJson(assignment ?? null, slice.get(id)?.given ?? null)
    const changed = machines.filter((machine) => !isGiven(machine))
    const saved = await saveAssignments(
      tx,
      machines.filter(isGiven),
      ({ id, assignment }) => changeTo(slice.get(id)?.former ?? {}, assignment ?? {}),
      by,
    )
    const rows = [
      ...changed.map(({ id }) => ({ id, reason: 'the assignment was changed after the rollout, and stays' })),
      ...saved.map(({ before: { id }, fault }) => ({ id, reason: fault && `not restored: ${fault}` })),
    ]
    const kept = rows.filter(({ reason }) => reason !== undefined).length
    total.kept += kept
    total.restored += rows.length - kept
    await tx.execute(sql`
      update rollout_machines as m set reason = r.reason, acted_at = case when ${next} = 'waiting' then null else m.acted_at end,
        state = case when r.reason is null then ${next} when ${next} = 'waiting' then 'skipped' else m.state end,
        former = null, given = null
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id uuid, reason text)
      where m.rollout_id = ${rollout.id}::uuid and m.machine_id = r.id`)
  }
  return total
}

type Saved = { before: Machine; after: Machine | undefined; fault: string | undefined }

async function saveAssignments(
  tx: Tx,
  machines: Machine[],
  changeOf: (machine: Machine) => AssignmentChange,
  by: Actor,
): Promise<Saved[]> {
  if (machines.length === 0) return []
  const rows = machines.map((machine, line) => ({
    line,
    key: { id: machine.id },
    change: { assignment: changeOf(machine) },
  }))
  const saved = await saveMachineRows(tx, rows, { dryRun: false, by }, nothingEarlier())
  return saved.map((row) => {
    const before = machines[row.line] as Machine
    if ('outcome' in row) return { before, after: row.after, fault: undefined }
    return {
      before,
      after: undefined,
      fault: row.faults.map(({ field, expected }) => `${field}: expected ${expected}`).join('; '),
    }
  })
}

/** The change that turns an assignment into another. */
function changeTo(target: Assignment, current: Assignment): AssignmentChange {
  const fields = assignmentFieldNames.map((field) => {
    const value = target[field] ?? null
    if (assignmentFields[field].merge !== 'names' || value === null) return [field, value]
    const gone = Object.keys((current[field] ?? {}) as object).map((name) => [name, null])
    return [field, { ...Object.fromEntries(gone), ...(value as object) }]
  })
  return Object.fromEntries(fields) as AssignmentChange
}

function idsOf(ids: string[]) {
  return sql`(select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`
}

function namesOf(states: RolloutMachineState[]) {
  return sql`(select jsonb_array_elements_text(${JSON.stringify(states)}::jsonb))`
}
