// What a change in the audit log changed, field by field.
import type { Change } from '../../api/schemas/changes/change.ts'

/** A field before and after; undefined where it was absent. */
export type Difference = { field: string; before: string | undefined; after: string | undefined }

/** The fields that differ. Fields of labels and of the assignment are named with a dot: `labels.rack`. */
export function differencesOf({ before, after }: Pick<Change, 'before' | 'after'>): Difference[] {
  const [old, fresh] = [fieldsOf(before), fieldsOf(after)]
  return [...new Set([...Object.keys(old), ...Object.keys(fresh)])]
    .filter((field) => old[field] !== fresh[field])
    .map((field) => ({ field, before: old[field], after: fresh[field] }))
}

function fieldsOf(value: unknown): Record<string, string> {
  if (!isObject(value)) return value === undefined ? {} : { value: textOf(value) }
  return Object.fromEntries(
    Object.entries(value).flatMap(([field, inner]) =>
      isObject(inner)
        ? Object.entries(inner).map(([name, text]) => [`${field}.${name}`, textOf(text)])
        : [[field, textOf(inner)]],
    ),
  )
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
