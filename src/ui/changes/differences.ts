// The values before and after a change, field by field.
import type { Change } from '../../api/schemas/changes/change.ts'

/** A field with its values as texts; undefined where it was absent. */
export type Difference = { field: string; before: string | undefined; after: string | undefined }

/**
 * The fields that differ, by their paths: `labels.rack`, `entries[0].text`. Objects, and lists of objects, are compared field by
 * field; lists of plain values as a whole.
 */
export function differencesOf({ before, after }: Pick<Change, 'before' | 'after'>): Difference[] {
  const [old, fresh] = [fieldsOf(before), fieldsOf(after)]
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((field) => old.get(field) !== fresh.get(field))
    .map((field) => ({ field, before: old.get(field), after: fresh.get(field) }))
}

/** Every field of a value by its path. Empty texts, lists and objects count as no field. */
function fieldsOf(value: unknown): Map<string, string> {
  const fields = new Map<string, string>()
  const add = (path: string, part: unknown): void => {
    if (isObject(part))
      for (const [name, inner] of Object.entries(part)) add(path === '' ? name : `${path}.${name}`, inner)
    else if (Array.isArray(part) && part.some(isObject))
      for (const [index, inner] of part.entries()) add(`${path}[${index}]`, inner)
    else if (!isEmpty(part)) fields.set(path || 'value', textOf(part))
  }
  add('', value)
  return fields
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const isPlainList = Array.isArray(value) && value.every((each) => typeof each === 'string')
  return isPlainList ? value.join(' ') : JSON.stringify(value)
}
