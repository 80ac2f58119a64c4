// The form of a group: its fields, and the group for the API.
import type { Group } from '../../../api/schemas/machines/group.ts'
import { fieldsOfAssignment, readAssignment } from '../../forms/assignment.ts'
import { type ConditionRow, readRows, rowOf, selectorOf } from '../../forms/selector.ts'
import type { Form } from '../../http/form.ts'
import { readNumber } from '../../http/lines.ts'

/** A group as the API takes it. */
export type GroupBody = Pick<Group, 'selector' | 'assignment'> & {
  priority: number
  title?: string
  everybody?: true
}

/** The group in the fields. @throws RefusedError for a field that the API could not read */
export function readGroup(form: Form): GroupBody {
  const everybody = form.get('everybody') === 'yes'
  const title = form.get('title')
  return {
    ...(title !== undefined && { title }),
    priority: readNumber(form, 'priority') ?? 0,
    selector: selectorOf(readRows(form)),
    ...(everybody && { everybody }),
    assignment: readAssignment(form),
  }
}

/** A saved group as the API takes it. */
export function bodyOf({ title, priority, selector, everybody, assignment }: Group): GroupBody {
  const all = everybody ? { everybody: true as const } : {}
  return { ...(title !== '' && { title }), priority, selector, ...all, assignment }
}

/** The fields of the form, and its rows of conditions. */
export type GroupFields = { values: Record<string, string>; rows: ConditionRow[] }

export function fieldsOfGroup({ title, priority, selector, everybody, assignment }: Group): GroupFields {
  const values = { title, priority: String(priority), ...(everybody && { everybody: 'yes' }) }
  return { values: { ...values, ...fieldsOfAssignment(assignment) }, rows: selector.map(rowOf) }
}
