// Groups: saved, listed, deleted.

import { and, asc, eq, gt, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { groups, secrets } from '../../db/schema/machines.ts'
import { isSameJson } from '../../lib/canonical.ts'
import { InputError, requireFound } from '../../lib/errors.ts'
import type { Assignment } from '../../model/assignment.ts'
import { changesInstall, everyBootFaults } from '../../model/every-boot.ts'
import type { Condition } from '../../model/selector.ts'
import type { Actor } from '../changes/changes.ts'
import { deleteNamed, type NamedNoun, saveNamed } from '../common/named.ts'
import type { Precondition } from '../common/precondition.ts'
import { findInstallers, refuseUnsaidInstalls } from '../images/installers.ts'
import { holdVersions } from '../images/pinned-versions.ts'
import { type AssignmentChange, changedAssignment, lonePins, tooManyParams } from './assignment-change.ts'
import { refuseUnknownNames } from './references.ts'

/** Machines picked by a selector, and what they are assigned. Of several that fit, the higher priority comes first. */
export type Group = {
  name: string
  title: string
  priority: number
  /** All conditions must hold; an empty list matches every machine. */
  selector: Condition[]
  assignment: Assignment
  revision: number
  createdAt: Date
  updatedAt: Date
}
export type GroupContent = Pick<Group, 'title' | 'priority' | 'selector' | 'assignment'>
/** A change of a group: absent fields stay, null clears a field. */
export type GroupChange = {
  title?: string | null | undefined
  priority?: number | null | undefined
  selector?: Condition[] | undefined
  assignment?: AssignmentChange | null | undefined
}

const noun: NamedNoun<Group> = { noun: 'group', find: findGroup, auditView: groupContentOf }

export async function findGroup(db: Db, name: string): Promise<Group | undefined> {
  const [group] = await db.select().from(groups).where(eq(groups.name, name))
  return group
}

/** Groups by name, those after `after`. */
export async function listGroups(db: Db, limit: number, after?: string): Promise<Group[]> {
  const page = after === undefined ? undefined : gt(groups.name, after)
  return db.select().from(groups).where(page).orderBy(asc(groups.name)).limit(limit)
}

/** Makes or replaces a group. @throws InputError when it names an image, a menu or an answer file that does not exist; PreconditionError */
export async function saveGroup(
  db: Db,
  name: string,
  content: GroupContent,
  precondition: Precondition,
  by: Actor,
): Promise<{ group: Group; created: boolean }> {
  await checkGroup(db, content)
  const { thing, created } = await saveContent(db, name, () => content, precondition, by)
  return { group: thing, created }
}

/** Checks a group without saving it. @throws InputError as saveGroup */
export async function checkGroup(db: Db, { assignment }: Pick<GroupContent, 'assignment'>): Promise<void> {
  await refuseUnknownNames(db, assignment, 'assignment')
  await holdVersions(db, [{ ...assignment, field: 'assignment' }])
  await refuseUnsaidInstalls(db, [{ ...assignment, field: 'assignment' }])
}

/** Changes fields of a group; absent fields stay. @throws as saveGroup, and NotFoundError */
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
    requireFound(before, `group ${name}`)
    const after = {
      title: title === undefined ? before.title : (title ?? ''),
      priority: priority === undefined ? before.priority : (priority ?? 0),
      selector: selector ?? before.selector,
      assignment: changedAssignment(before.assignment, assignment) ?? {},
    }
    const faults = [
      ...tooManyParams(after.assignment),
      ...lonePins(assignment, after.assignment),
      ...(changesInstall(assignment)
        ? everyBootFaults([{ ...after.assignment, field: 'assignment' }], installers)
        : []),
    ]
    if (faults.length > 0) throw new InputError(faults)
    return after
  }
  return (await saveContent(db, name, contentAfter, precondition, by)).thing
}

async function saveContent(
  db: Db,
  name: string,
  contentAfter: (before: Group | undefined) => GroupContent,
  precondition: Precondition,
  by: Actor,
) {
  return saveNamed(db, noun, name, precondition, by, async (tx, before) => {
    const content = contentAfter(before)
    await holdVersions(tx, [{ ...content.assignment, field: 'assignment' }])
    if (before === undefined) await tx.insert(groups).values({ ...content, name })
    else if (!isSameJson(groupContentOf(before), content))
      await tx
        .update(groups)
        .set({ ...content, revision: before.revision + 1, updatedAt: sql`now()` })
        .where(eq(groups.name, name))
  })
}

/** What people enter of a group, as the audit log keeps it. */
export function groupContentOf({ title, priority, selector, assignment }: Group): GroupContent {
  return { title, priority, selector, assignment }
}

/** Deletes a group with its secrets. @throws NotFoundError, PreconditionError */
export async function deleteGroup(db: Db, name: string, precondition: Precondition, by: Actor): Promise<void> {
  await deleteNamed(db, noun, name, precondition, by, async (tx) => {
    await tx.delete(groups).where(eq(groups.name, name))
    await tx.delete(secrets).where(and(eq(secrets.ownerKind, 'group'), eq(secrets.owner, name)))
  })
}
