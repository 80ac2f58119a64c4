// Fields of several lines: lists, and values by name.
import type { Json, Params } from '../../model/assignment.ts'
import { RefusedError } from './client.ts'
import type { Form } from './form.ts'

/** The lines of a field that are not empty; undefined for an empty field. */
export function readLines(form: Form, name: string): string[] | undefined {
  const lines = (form.get(name) ?? '').split('\n').map((line) => line.trim())
  const given = lines.filter((line) => line !== '')
  return given.length === 0 ? undefined : given
}

/** Texts by name, one `key=value` a line. A line without a value has null, which removes the key. */
export function readPairs(form: Form, name: string): Record<string, string | null> {
  return Object.fromEntries(
    (readLines(form, name) ?? []).map((line) => {
      const [key = '', ...value] = line.split('=')
      return [key.trim(), value.join('=').trim() || null]
    }),
  )
}

/** The lines that `readPairs` reads as these texts. */
export function formatPairs(pairs: Record<string, string>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')
}

/** Values by name, one `name=value` a line, where a value is JSON or else a text. @throws RefusedError */
export function readParams(form: Form, name: string): Params | undefined {
  const lines = readLines(form, name)
  return lines && Object.fromEntries(lines.map(readParam))
}

/** The lines that `readParams` reads as these values. */
export function formatParams(params: Params = {}): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${isPlain(value) ? value : JSON.stringify(value)}`)
    .join('\n')
}

/** A number in a field. @throws RefusedError */
export function readNumber(form: Form, name: string): number | undefined {
  const text = form.get(name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (Number.isFinite(number)) return number
  throw refusal({ field: name, value: text, expected: 'a number' })
}

/** The refusal of a field that the API never sees. */
export function refusal(fault: { field: string; value: string; expected: string }): RefusedError {
  return new RefusedError(`${fault.field}: expected ${fault.expected}, got "${fault.value}"`, 422, undefined, [fault])
}

function readParam(line: string): [string, Json] {
  const [, name, text] = /^([^=\s]+)\s*=\s*(.*)$/s.exec(line) ?? []
  if (name === undefined || text === undefined)
    throw refusal({ field: 'params', value: line, expected: 'name=value, one a line' })
  return [name, jsonOr(text)]
}

/** Whether a value reads back as itself without the quotes of JSON. */
function isPlain(value: Json): value is string {
  return typeof value === 'string' && !value.includes('\n') && value === value.trim() && jsonOr(value) === value
}

function jsonOr(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
