// Fields of several lines: lists, and values by name.
import type { Params } from '../../model/assignment.ts'
import { RefusedError } from './client.ts'
import type { Form } from './form.ts'

/** The lines of a field that are not empty; undefined for an empty field. */
export function readLines(form: Form, name: string): string[] | undefined {
  const lines = (form.get(name) ?? '').split('\n').map((line) => line.trim())
  const given = lines.filter((line) => line !== '')
  return given.length === 0 ? undefined : given
}

/** Values by name, one `name=value` a line, where a value is JSON or else a text. @throws RefusedError */
export function readParams(form: Form, name: string): Params | undefined {
  const lines = readLines(form, name)
  return lines && Object.fromEntries(lines.map(readPair))
}

/** The values by name as lines that `readParams` reads back. */
export function formatParams(params: Params = {}): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${typeof value === 'string' && !isJson(value) ? value : JSON.stringify(value)}`)
    .join('\n')
}

/** A whole number in a field; other text stays as it is, so that the API can refuse it. */
export function readNumber(form: Form, name: string): number | undefined {
  const text = form.get(name)
  if (text === undefined) return undefined
  const number = Number(text)
  if (Number.isFinite(number)) return number
  throw refusal({ field: name, value: text, expected: 'a number' })
}

function readPair(line: string): [string, Params[string]] {
  const [, name, text] = /^([^=\s]+)\s*=\s*(.*)$/s.exec(line) ?? []
  if (name === undefined || text === undefined)
    throw refusal({ field: 'params', value: line, expected: 'name=value, one a line' })
  return [name, isJson(text) ? JSON.parse(text) : text]
}

/** The refusal of a field that the API never sees. */
export function refusal(fault: { field: string; value: string; expected: string }): RefusedError {
  return new RefusedError(`${fault.field}: expected ${fault.expected}, got "${fault.value}"`, 422, undefined, [fault])
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
