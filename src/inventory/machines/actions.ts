// Changes or deletes many machines at once.

import { sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { ConflictError, InputError } from '../../lib/errors.ts'
import { type Machine, nameOf } from '../../model/machine.ts'
import type { Actor } from '../changes/changes.ts'
import { idsOf, removeMachines } from './archive/remove.ts'
import { saveMachineRows } from './bulk.ts'
import type { MachineChange } from './fields.ts'
import { creationOrder, cursorOf, type MachineCursor, searchMachines } from './list.ts'
import { nothingEarlier } from './plan.ts'
import type { MachineSearch } from './search/condition.ts'

/** An action on a machine: a change, or its deletion. */
export type MachineAction = ((machine: Machine) => MachineChange) | 'delete'

/** A machine before and after an action; undefined after its deletion. */
export type ActionExample = { before: Machine; after: Machine | undefined }

export type ActionResult = {
  matched: number
  changed: number
  unchanged: number
  /** Why machines stay as they are although the action would change them, with the names of some of them. */
  refused: { why: string; count: number; machines: string[] }[]
  examples: ActionExample[]
  /** The transaction, as the audit log has it. */
  tx?: number
}

/** `dryRun`: only count. `expect`: the number of machines that must change, or nothing does. */
export type ActionOptions = {
  dryRun: boolean
  expect?: number | undefined
  /** Hears of each machine that changes. */
  onChange?: (change: ActionExample) => void
}

export const maxActedOn = 250_000
const maxExamples = 20
const maxReasons = 20
const maxNames = 5
const machinesAtOnce = 1000

/**
 * Acts on every machine that matches, in one transaction. Machines that are refused stay as they are.
 * @throws ConflictError if another number of machines than `expect` would change; InputError for too many machines
 */
export async function actOnMachines(
  db: Db,
  search: MachineSearch,
  action: MachineAction,
  { dryRun, expect, onChange }: ActionOptions,
  by: Actor,
): Promise<ActionResult> {
  if (dryRun) return act(db, search, action, true, by, onChange)
  return db.transaction(async (tx) => {
    const result = await act(tx, search, action, false, by, onChange)
    if (expect !== undefined && result.changed !== expect)
      throw new ConflictError(
        `${result.changed} machines would change, expected ${expect}: nothing was changed. Next step: repeat the preview (dryRun)`,
      )
    const [row] = rowsOf<{ tx: string }>(await tx.execute(sql`select pg_current_xact_id()::text as tx`))
    return { ...result, tx: Number(row?.tx) }
  })
}

async function act(
  db: Db,
  search: MachineSearch,
  action: MachineAction,
  dryRun: boolean,
  by: Actor,
  onChange: ActionOptions['onChange'],
): Promise<ActionResult> {
  const result: ActionResult = { matched: 0, changed: 0, unchanged: 0, refused: [], examples: [] }
  const count = (example: ActionExample) => {
    result.changed += 1
    if (result.examples.length < maxExamples) result.examples.push(example)
    onChange?.(example)
  }
  const earlier = nothingEarlier()
  for (let after: MachineCursor | undefined; ; ) {
    const machines = await searchMachines(db, search, creationOrder, machinesAtOnce, after)
    const last = machines.at(-1)
    if (last === undefined) return result
    result.matched += machines.length
    if (result.matched > maxActedOn)
      throw new InputError({ field: 'filter', value: `more machines`, expected: `at most ${maxActedOn} machines` })
    if (action === 'delete') await deleteAll(db, machines, dryRun, by, result, count)
    else {
      const rows = machines.map((machine, line) => ({ line, key: { id: machine.id }, change: action(machine) }))
      for (const row of await saveMachineRows(db, rows, { dryRun, by, found: machines }, earlier)) {
        const before = machines[row.line] as Machine
        if ('faults' in row) refuse(result, before, row.faults.map(whyOf).join('; '))
        else if (row.outcome === 'unchanged') result.unchanged += 1
        else count({ before, after: row.after })
      }
      // Lines are numbered anew in the next batch, and no machine comes twice.
      earlier.machines.clear()
      earlier.macs.clear()
      earlier.values.clear()
    }
    after = cursorOf(last, creationOrder)
  }
}

/** Deletes machines without an active deployment; their boots stay. */
async function deleteAll(
  db: Db,
  machines: Machine[],
  dryRun: boolean,
  by: Actor,
  result: ActionResult,
  count: (example: ActionExample) => void,
): Promise<void> {
  if (!dryRun) await db.execute(sql`select id from machines where id in ${idsOf(machines)} order by id for update`)
  const found = await db.execute(sql`
    select machine_id as id from deployments where machine_id in ${idsOf(machines)} and ${isActiveSql(sql`state`)}`)
  const busy = new Set(rowsOf<{ id: string }>(found).map(({ id }) => id))
  for (const machine of machines)
    if (busy.has(machine.id)) refuse(result, machine, 'the machine has an active deployment: cancel it first')
    else count({ before: machine, after: undefined })
  const free = machines.filter(({ id }) => !busy.has(id))
  if (dryRun || free.length === 0) return
  await db.transaction((tx) => removeMachines(tx, free, 'machine.deleted', by))
}

function whyOf({ field, expected }: { field: string; expected: string }): string {
  return `${field}: expected ${expected}`
}

function refuse(result: ActionResult, machine: Machine, why: string): void {
  const same = result.refused.find((reason) => reason.why === why)
  const reason = same ?? result.refused[maxReasons - 1] ?? { why, count: 0, machines: [] }
  if (!result.refused.includes(reason)) result.refused.push(reason)
  if (same === undefined && reason.why !== why) reason.why = 'other reasons'
  reason.count += 1
  if (reason.machines.length < maxNames) reason.machines.push(nameOf(machine))
}
