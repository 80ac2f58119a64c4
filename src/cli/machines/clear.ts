// Changes that clear fields, and changes merged.
import type { AssignmentChange } from '../../api/schemas/machines/assignment.ts'

/** A part of a change, as the API takes it. */
export type Change = { [field: string]: Change | unknown }

const choices = { image: null, menu: null, local: null }
/** Clears all fields of an assignment. */
export const wholeAssignment = {
  ...choices,
  everyBoot: null,
  args: null,
  withoutArgs: null,
  answerFile: null,
  params: null,
  localBoot: null,
} satisfies Record<keyof AssignmentChange, null>

/** For `--clear` in the help. */
export const clearHelp =
  'field to clear: hostname, label.KEY, labels, image, args, without-args, answer-file, param.NAME, params, local-boot, assignment … (repeatable)'

/**
 * The change that clears fields named as their options are: `hostname`, `label.rack`, `param.disk`, `args`, `assignment`.
 * @param own the fields beside labels and assignment
 */
export function clearing(names: string[], own: readonly string[]): Change {
  return names.reduce<Change>((change, name) => merged(change, clearingOne(name, own)), {})
}

/** Combines two changes; for a field that both set, the second counts. */
export function merged(first: Change, second: Change): Change {
  const both = Object.entries(second).map(([field, value]) => {
    const before = first[field]
    return [field, isChange(before) && isChange(value) ? merged(before, value) : value]
  })
  return { ...first, ...Object.fromEntries(both) }
}

function clearingOne(name: string, own: readonly string[]): Change {
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
