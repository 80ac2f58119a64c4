// The values of a machine by path, as owners have them.

import type { FieldOwner, FieldOwners } from '../../../model/identity/field-owners.ts'
import { ownersAfter } from '../../../model/identity/field-owners.ts'
import type { Machine } from '../../../model/machine.ts'
import { type AssignmentField, assignmentFieldNames, assignmentFields } from '../assignment-change.ts'
import { type MachineField, machineFieldNames, machineFields } from '../fields.ts'

/** The path of what a machine boots: the image, menu or local disk. One of them replaces the others. */
export const choicePath = 'assignment.choice'

type Values = { [Field in MachineField | 'macs']?: Machine[Field] | undefined }

/** The values of a machine by path, without absent values. */
export function valuesByPath(machine: Values): Map<string, unknown> {
  return new Map([...pathsIn(machine)].filter(([, value]) => value !== undefined && value !== null && value !== false))
}

/** The paths that a change names, each with its value; null clears it. A change names no MAC that it removes. */
export function namedPaths(change: object): Map<string, unknown> {
  return new Map([...pathsIn(change)].filter(([, value]) => value !== undefined))
}

function* pathsIn(machine: object): Generator<[string, unknown]> {
  const { macs, ...values } = machine as { macs?: string[] } & Record<string, unknown>
  for (const mac of macs ?? []) yield [`macs.${mac}`, true]
  for (const field of machineFieldNames) {
    const value = values[field]
    const { form } = machineFields[field]
    if (form === 'labels') yield* inner('labels', value)
    else if (form === 'assignment') yield* assignmentPaths(value)
    else yield [field, value]
  }
}

function* assignmentPaths(assignment: unknown): Generator<[string, unknown]> {
  if (assignment === undefined || assignment === null) return
  const values = assignment as Record<AssignmentField, unknown>
  const choice: Record<string, unknown> = {}
  for (const field of assignmentFieldNames) {
    const { merge } = assignmentFields[field]
    if (merge === 'names') yield* inner(`assignment.${field}`, values[field])
    else if (merge === 'value') yield [`assignment.${field}`, values[field]]
    else if (values[field] !== undefined) choice[field] = values[field]
  }
  const given = Object.entries(choice).filter(([, value]) => value !== null)
  if (Object.keys(choice).length > 0) yield [choicePath, given.length === 0 ? null : Object.fromEntries(given)]
}

function* inner(path: string, values: unknown): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries((values ?? {}) as object)) yield [`${path}.${name}`, value]
}

/** The owners of a machine's fields after an edit by a person: what the person changed is the person's. */
export function ownersAfterEdit(
  before: (Values & Pick<Machine, 'owners' | 'sources'>) | undefined,
  after: Values,
  by: string,
  at = new Date(),
): FieldOwners {
  // A person set what has no owner, so a machine without a synchronizing owner needs none.
  if (before?.sources === undefined && before?.owners === undefined) return {}
  const owner: FieldOwner = { by, at: at.toISOString() }
  return ownersAfter(before.owners ?? {}, valuesByPath(before), valuesByPath(after), owner)
}
