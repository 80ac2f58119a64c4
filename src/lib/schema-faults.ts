// The faults that a zod schema finds, in plain words: the fields, their values and what was expected.
import type { z } from 'zod'

/**
 * A value that a schema refuses. `field` is empty for the whole input. `message` is the whole sentence, if the usual
 * sentence does not fit.
 */
export type SchemaFault = { field: string; value: unknown; expected: string; message?: string }

/**
 * Error map for `z.config` or for one parse. The message of an issue says what was expected. For unknown fields, it has
 * one sentence for each field, with the name that was probably meant. A message that the schema defines has priority.
 */
export const schemaMessages: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'unrecognized_keys') return expectedOf(issue as z.core.$ZodIssue)
  const { keys } = issue as { keys: string[] }
  const { def } = (issue.inst as z.core.$ZodObject | undefined)?._zod ?? {}
  const fields = Object.keys(def?.shape ?? {})
  return keys.map((key) => unknownField(key, fields)).join('\n')
}

/** The faults in `data` that an issue describes. The parse must use `schemaMessages`. */
export function schemaFaults(issue: z.core.$ZodIssue, data: unknown): SchemaFault[] {
  const { path } = issue
  if (issue.code === 'unrecognized_keys') {
    const object = fieldOf(path)
    const sentences = issue.message.split('\n')
    return issue.keys.map((key, index) => ({
      field: fieldOf([...path, key]),
      value: valueAt([...path, key], data),
      expected: 'a field of this object',
      message: `${object && `${object}: `}${sentences[index] ?? unknownField(key, [])}`,
    }))
  }
  const inner = issue.code === 'invalid_key' ? (issue.issues[0] ?? issue) : issue
  const [field, value] = [fieldOf(path), valueAt(path, data)]
  const message = field === '' ? undefined : requiredField(issue, field, value)
  return [{ field, value, expected: inner.message, ...(message !== undefined && { message }) }]
}

/** The expectation, for an issue without a message in its schema. Undefined means that zod's message is used. */
function expectedOf(issue: z.core.$ZodIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return types[issue.expected] ?? issue.expected
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.join(', ')}`
    case 'invalid_union':
      return 'a value in one of the allowed forms'
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${countOf(issue.minimum, issue.origin)}`
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${countOf(issue.maximum, issue.origin)}`
    default:
      return undefined
  }
}

const types: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'a boolean',
  array: 'an array',
  object: 'an object',
  record: 'an object',
}

function countOf(count: number | bigint, origin: string): string {
  const unit = origin === 'string' ? 'characters' : origin === 'array' ? 'items' : ''
  return [count, unit].filter((text) => text !== '').join(' ')
}

/** `labels.rack`, `variants[0].arch`. */
function fieldOf(path: PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key)),
    '',
  )
}

function valueAt(path: PropertyKey[], data: unknown): unknown {
  return path.reduce<unknown>((inside, key) => (inside as Record<PropertyKey, unknown> | undefined | null)?.[key], data)
}

/** `unknown field "timeout"; did you mean timeoutSeconds?` */
function unknownField(name: string, fields: string[]): string {
  const meant = closest(name, fields)
  const existing = fields.length === 0 ? 'expected nothing' : `expected one of ${fields.slice(0, 24).join(', ')}`
  const next = meant === undefined ? existing : `did you mean ${meant}?`
  return `unknown field ${JSON.stringify(name.slice(0, 80))}; ${next}`
}

/** The sentence for a missing field, such as `variants is required`; undefined for any other issue. */
function requiredField(issue: z.core.$ZodIssue, field: string, value: unknown): string | undefined {
  if (value !== undefined || !['invalid_type', 'invalid_value', 'invalid_union'].includes(issue.code)) return undefined
  // If the field is missing, the name of its type does not help.
  return issue.message === expectedOf(issue) ? `${field} is required` : `${field} is required: ${issue.message}`
}

/** The name that a person most likely meant: a name with the same beginning, or else a name with few typing errors. */
export function closest(name: string, names: string[]): string | undefined {
  const given = plain(name.slice(0, 80))
  const completions = names.filter((name) => plain(name).startsWith(given) || given.startsWith(plain(name)))
  if (given.length > 2 && completions.length > 0) return completions.sort((a, b) => a.length - b.length)[0]
  const ranked = names
    .map((name) => ({ name, distance: editDistance(given, plain(name)) }))
    .filter(({ name, distance }) => distance <= Math.max(1, Math.floor(name.length * 0.4)))
    .sort((a, b) => a.distance - b.distance)
  return ranked[0]?.name
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
}

/** The number of missing, extra, wrong and swapped letters (optimal string alignment distance). */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const now = [row]
    for (let column = 1; column <= b.length; column++) {
      const wrong = a[row - 1] === b[column - 1] ? 0 : 1
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      now[column] = Math.min(
        at(last, column) + 1,
        at(now, column - 1) + 1,
        at(last, column - 1) + wrong,
        swapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = last
    last = now
  }
  return at(last, b.length)
}

function at(row: number[], column: number): number {
  return row[column] as number
}
