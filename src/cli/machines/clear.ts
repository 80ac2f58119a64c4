// Changes that clear fields, and the merge of two changes.
import type { AssignmentChange } from '../../api/schemas/machines/assignment.ts'

/** A part of a change, in the format of the API. */
export type Change = { [field: string]: Change | unknown }

const choices = { image: null, menu: null, local: null }
/** Clears every field of an assignment. */
export const wholeAssignment = {
  ...choices,
  version: null,
  everyBoot: null,
  args: null,
  withoutArgs: null,
  answerFile: null,
  params: null,
  localBoot: null,
  bootProgram: null,
  proxy: null,
} satisfies Record<keyof AssignmentChange, null>

/** For `--clear` in the help. */
export const clearHelp =
  'field to clear: hostname, label.KEY, labels, image, version, args, without-args, answer-file, param.NAME, params, local-boot, boot-program, proxy, assignment … (repeatable)'

/**
 * The change that clears fields named as their options are: `hostname`, `label.rack`, `param.disk`, `args`, `assignment`.
 * @param own the fields other than labels and assignment
 */
export function clearing(names: string[], own: readonly string[]): Change {
  return names.reduce<Change>((change, name) => merged(change, clearingField(name, own)), {})
}

/** Merges two changes. If both have the same field, the second applies. */
export function merged(first: Change, second: Change): Change {
  const fields = Object.entries(second).map(([field, value]) => {
    const before = first[field]
    return [field, isChange(before) && isChange(value) ? merged(before, value) : value]
  })
  return { ...first, ...Object.fromEntries(fields) }
}

function clearingField(name: string, own: readonly string[]): Change {
  const [, group, key = ''] = /^(label|param|local-boot)\.(.+)$/.exec(name) ?? []
  if (group === 'label') return { labels: { [key]: null } }
  if (group === 'param') return { assignment: { params: { [key]: null } } }
  if (group === 'local-boot') return { assignment: { localBoot: { [key]: null } } }
  if (name === 'assignment') return { assignment: wholeAssignment }
  if (name in choices) return { assignment: choices }
  const field = name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return own.includes(field) || field === 'labels' ? { [field]: null } : { assignment: { [field]: null } }
}

function isChange(value: unknown): value is Change {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
