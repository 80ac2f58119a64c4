// Changes of an assignment, field by field.

import type { FieldFault } from '../../lib/errors.ts'
import type { Assignment, Json } from '../../model/assignment.ts'

/** A change of an assignment: absent fields stay, null clears a field. */
export type AssignmentChange = {
  [Field in keyof Assignment]?:
    | (Field extends 'params' | 'localBoot' ? NamesChange<Assignment[Field]> : Assignment[Field])
    | null
    | undefined
}

/** Values by name: those that are absent stay, null removes one. */
type NamesChange<Names> = { [Name in keyof NonNullable<Names>]?: NonNullable<Names>[Name] | null | undefined }

/**
 * Each field of an assignment, with its rule for changes and its form in text (CSV, the command line). A new `choice` replaces
 * the old choice and its `ofChoice` fields. `names` are merged one by one. Other fields are replaced.
 */
export const assignmentFields: {
  [Field in keyof Required<Assignment>]: {
    merge: 'choice' | 'ofChoice' | 'value' | 'names'
    form: 'text' | 'flag' | 'number' | 'words' | 'params' | 'localBoot'
  }
} = {
  image: { merge: 'choice', form: 'text' },
  menu: { merge: 'choice', form: 'text' },
  local: { merge: 'choice', form: 'flag' },
  version: { merge: 'ofChoice', form: 'number' },
  everyBoot: { merge: 'ofChoice', form: 'flag' },
  args: { merge: 'value', form: 'words' },
  withoutArgs: { merge: 'value', form: 'words' },
  answerFile: { merge: 'value', form: 'text' },
  params: { merge: 'names', form: 'params' },
  localBoot: { merge: 'names', form: 'localBoot' },
  bootProgram: { merge: 'value', form: 'text' },
  proxy: { merge: 'value', form: 'text' },
}
export type AssignmentField = keyof typeof assignmentFields
export const assignmentFieldNames = Object.keys(assignmentFields) as AssignmentField[]

/** The assignment after a change; undefined if it is empty then. */
export function changedAssignment(
  before: Assignment | undefined = {},
  change: AssignmentChange | null | undefined,
): Assignment | undefined {
  if (change === null) return undefined
  const chosen = assignmentFieldNames.some((field) => isChoice(field) && isGiven(change?.[field]))
  const after = assignmentFieldNames.flatMap((field) => {
    const given = change?.[field]
    const kept = chosen && (isChoice(field) || isOfChoice(field)) ? undefined : before[field]
    const value = assignmentFields[field].merge === 'names' ? changedNames(kept as Names, given as Names) : given
    const now = given === undefined ? kept : value
    return isGiven(now) ? [[field, now] as const] : []
  })
  const chose = after.some(([field]) => isChoice(field))
  const whole = after.filter(([field]) => chose || !isOfChoice(field))
  return whole.length === 0 ? undefined : (Object.fromEntries(whole) as Assignment)
}

/** The limits of an assignment's params, which a merge may exceed where no part of it did. */
export const maxParams = 256
export const maxParamsBytes = 32_768

/** Faults of an assignment that exceeds limits after a change. */
export function tooManyParams(assignment: Assignment | null | undefined): FieldFault[] {
  const params = assignment?.params ?? {}
  const count = Object.keys(params).length
  const sizeBytes = Buffer.byteLength(JSON.stringify(params))
  const fault = (value: string, expected: string) => [{ field: 'assignment.params', value, expected }]
  if (count > maxParams) return fault(`${count} of them`, `at most ${maxParams} params`)
  return sizeBytes > maxParamsBytes ? fault(`${sizeBytes} bytes`, `at most ${maxParamsBytes} bytes of JSON`) : []
}

/** Faults of a change that pins a version where no image is assigned. */
export function lonePins(
  change: AssignmentChange | null | undefined,
  after: Assignment | null | undefined,
): FieldFault[] {
  if (!isGiven(change?.version) || after?.image !== undefined) return []
  return [{ field: 'assignment.version', value: String(change?.version), expected: 'an image in the same assignment' }]
}

type Names = Record<string, Json | undefined> | null | undefined

/** Values by name after a change of some of them, without null values. Undefined if no value remains. */
export function changedNames<Value>(
  before: Record<string, Value> | null | undefined,
  change: Record<string, Value | null | undefined> | null | undefined,
): Record<string, Value> | undefined {
  if (change === null) return undefined
  const given = Object.entries(change ?? {}).filter(([, value]) => value !== undefined)
  const after = Object.entries({ ...before, ...Object.fromEntries(given) }).filter(([, value]) => isGiven(value))
  return after.length === 0 ? undefined : (Object.fromEntries(after) as Record<string, Value>)
}

function isChoice(field: AssignmentField): boolean {
  return assignmentFields[field].merge === 'choice'
}

function isOfChoice(field: AssignmentField): boolean {
  return assignmentFields[field].merge === 'ofChoice'
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}
