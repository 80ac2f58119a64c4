import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { groups, secrets } from '../../db/schema/machines.ts'
import { InputError, NotFoundError } from '../../lib/errors.ts'
import type { Assignment } from '../../model/assignment.ts'
import { changesInstall, everyBootFaults } from '../../model/every-boot.ts'
import type { Condition } from '../../model/selector.ts'
import type { Actor } from '../changes/changes.ts'
import { deleteNamed, findNamed, listNamed, type Noun, saveNamed } from '../common/named.ts'
import type { Precondition } from '../common/precondition.ts'
import { findInstallers, refuseUnsaidInstalls } from '../images/installers.ts'
import { type AssignmentChange, changedAssignment, tooManyParams } from './assignment-change.ts'
import { refuseUnknownNames } from './references.ts'

/** Machines picked by a selector, and what they are assigned. Of several that fit, the higher priority comes first. */
export type Group = {
  name: string
  title: string
  priority: number
  /** All must hold; without any it fits every machine. */
  selector: Condition[]
  assignment: Assignment
  revision: number
  createdAt: Date
  updatedAt: Date
}
export type GroupContent = Pick<Group, 'title' | 'priority' | 'selector' | 'assignment'>
/** What a change says of a group: a field that is absent stays, null clears one. */
export type GroupChange = {
  title?: string | null | undefined
  priority?: number | null | undefined
  selector?: Condition[] | undefined
  assignment?: AssignmentChange | null | undefined
}

const noun: Noun<Group> = { table: groups, noun: 'group' }

export const findGroup = (db: Db, name: string): Promise<Group | undefined> => findNamed(db, noun, name)

/** Groups by name, those after `after`. */
export const listGroups = (db: Db, limit: number, after?: string): Promise<Group[]> => listNamed(db, noun, limit, after)

/** Makes or replaces a group. @throws InputError when it names an image, a menu or an answer file that does not exist; PreconditionError */
export async function saveGroup(
  db: Db,
  name: string,
  content: GroupContent,
  precondition: Precondition,
  by: Actor,
): Promise<{ group: Group; created: boolean }> {
  await refuseUnknownNames(db, content.assignment, 'assignment')
  await refuseUnsaidInstalls(db, [{ ...content.assignment, field: 'assignment' }])
  const { row, created } = await saveNamed(db, noun, name, () => content, precondition, by)
  return { group: row, created }
}

/** Changes some of a group; what the change leaves out stays. @throws as saveGroup, and NotFoundError */
export async function changeGroup(
  db: Db,
  name: string,
  { title, priority, selector, assignment }: GroupChange,
  precondition: Precondition,
  by: Actor,
): Promise<Group> {
  await refuseUnknownNames(db, assignment ?? {}, 'assignment')
  const installers = await findInstallers(db)
  const contentAfter = (before: Group | undefined): GroupContent => {
    if (before === undefined) throw new NotFoundError(`there is no group ${name}`)
    const after = {
      title: title === undefined ? before.title : (title ?? ''),
      priority: priority === undefined ? before.priority : (priority ?? 0),
      selector: selector ?? before.selector,
      assignment: changedAssignment(before.assignment, assignment) ?? {},
    }
    const faults = [
      ...tooManyParams(after.assignment),
      ...(changesInstall(assignment)
        ? everyBootFaults([{ ...after.assignment, field: 'assignment' }], (one) => installers.has(one))
        : []),
    ]
    if (faults.length > 0) throw new InputError(faults)
    return after
  }
  const { row } = await saveNamed(db, noun, name, contentAfter, precondition, by)
  return row
}

/** Deletes it with its secrets. @throws NotFoundError, PreconditionError */
export async function deleteGroup(db: Db, name: string, precondition: Precondition, by: Actor): Promise<void> {
  await db.transaction(async (tx) => {
    await deleteNamed(tx, noun, name, precondition, by)
    await tx.delete(secrets).where(and(eq(secrets.ownerKind, 'group'), eq(secrets.owner, name)))
  })
}
