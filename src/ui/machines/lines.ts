// Labels, params and lists as the lines of a text field.
import type { Json } from '../../model/assignment.ts'

/** The lines that are not blank. */
export function linesOf(text: string | undefined): string[] {
  return (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** `key=value` lines. A line without a value has null, which removes the key. */
export function readPairs(text: string | undefined): Record<string, string | null> {
  return Object.fromEntries(
    linesOf(text).map((line) => {
      const [key = '', ...value] = line.split('=')
      return [key.trim(), value.join('=').trim() || null]
    }),
  )
}

/** `name=value` lines. A value is parsed as JSON; if that fails, it is text. */
export function readParams(text: string | undefined): Record<string, Json> {
  return Object.fromEntries(
    linesOf(text).map((line) => {
      const [name = '', ...value] = line.split('=')
      return [name.trim(), jsonOr(value.join('=').trim())]
    }),
  )
}

/** The lines that `readParams` reads as these params. */
export function paramLines(params: Record<string, unknown> = {}): string {
  return Object.entries(params)
    .map(([name, value]) => `${name}=${valueText(value as Json)}`)
    .join('\n')
}

/** `key=value` lines. */
export function pairLines(pairs: Record<string, string>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')
}

/** The change from one set of names to another: null removes the names that are gone. */
export function withRemovals<V>(before: object | undefined, after: Record<string, V>): Record<string, V | null> {
  const gone = Object.keys(before ?? {}).filter((key) => !(key in after))
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...after }
}

function valueText(value: Json): string {
  const isPlain =
    typeof value === 'string' && !value.includes('\n') && value === value.trim() && jsonOr(value) === value
  return isPlain ? value : JSON.stringify(value)
}

function jsonOr(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
