// Saves the groups of a folder with few statements, however many there are.

import { inArray, sql } from 'drizzle-orm'
import { groups } from '../../db/schema/machines.ts'
import type { Tx } from '../../db/transaction.ts'
import { canonical } from '../../lib/canonical.ts'
import { type FieldFault, InputError } from '../../lib/errors.ts'
import type { Assignment } from '../../model/assignment.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { changeType } from '../changes/types.ts'
import { lockNames } from '../common/lock.ts'
import { checkPrecondition, type Precondition } from '../common/precondition.ts'
import { checkGroup, type Group, type GroupContent, groupContentOf } from '../machines/groups.ts'

/** A group to save. `faultsIn` gets its faults: then it is not saved. */
export type GroupToSave = {
  name: string
  content: GroupContent
  precondition: Precondition
  faultsIn: (faults: FieldFault[]) => void
}

const rowsAtOnce = 500

/** Creates or replaces groups that differ from what is saved. @throws PreconditionError */
export async function saveGroups(tx: Tx, list: GroupToSave[], by: Actor): Promise<void> {
  await lockNames(
    tx,
    'group',
    list.map(({ name }) => name),
  )
  const check = checkOnce(tx)
  for (let at = 0; at < list.length; at += rowsAtOnce) {
    const batch = list.slice(at, at + rowsAtOnce)
    const before = await findGroups(tx, batch)
    const good: GroupToSave[] = []
    for (const group of batch) {
      checkPrecondition(group.precondition, before.get(group.name))
      const faults = await check(group.content.assignment)
      if (faults.length > 0) group.faultsIn(faults)
      else good.push(group)
    }
    if (good.length === 0) continue
    await tx
      .insert(groups)
      .values(good.map(({ name, content }) => ({ ...content, name })))
      .onConflictDoUpdate({
        target: groups.name,
        set: {
          ...{ title: sql`excluded.title`, priority: sql`excluded.priority` },
          ...{ selector: sql`excluded.selector`, assignment: sql`excluded.assignment` },
          ...{ revision: sql`${groups.revision} + 1`, updatedAt: sql`now()` },
        },
      })
    const changes = good.map(({ name, content }) => {
      const old = before.get(name)
      const type = changeType('group', old, content)
      return { actor: by, type, subject: name, before: old && groupContentOf(old), after: content }
    })
    await recordChanges(tx, changes)
  }
}

async function findGroups(tx: Tx, list: { name: string }[]): Promise<Map<string, Group>> {
  const names = list.map(({ name }) => name)
  const found = await tx.select().from(groups).where(inArray(groups.name, names))
  return new Map(found.map((group) => [group.name, group]))
}

/** The faults of an assignment. Assignments that name the same things are checked once. */
function checkOnce(tx: Tx): (assignment: Assignment) => Promise<FieldFault[]> {
  const checked = new Map<string, FieldFault[]>()
  return async ({ image, version, menu, answerFile, everyBoot }) => {
    const assignment = { image, version, menu, answerFile, everyBoot } as Assignment
    const key = canonical(assignment)
    const faults = checked.get(key) ?? (await checkGroup(tx, { assignment }).then(() => [], faultsIn))
    checked.set(key, faults)
    return faults
  }
}

function faultsIn(error: unknown): FieldFault[] {
  if (error instanceof InputError) return error.faults
  throw error
}
