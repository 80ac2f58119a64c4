import { InputError } from '../lib/errors.ts'

/**
 * A value that stands as one word in an iPXE script. iPXE knows no quoting (its core/exec.c), so a value is accepted
 * as it is or refused: no white space, no `${`, no operator, no comment, no backslash that would join the next line.
 * @throws InputError that names the field
 */
export function scriptWord(value: string, field = 'value'): string {
  const fault = wordFault(value)
  if (fault !== undefined) throw new InputError({ field, value, expected: `one word for an iPXE script: ${fault}` })
  return value
}

/** Why a value cannot stand as one word in an iPXE script; undefined when it can. */
export function wordFault(value: string): string | undefined {
  if (value === '') return 'not empty'
  if (!/^[\x21-\x7e]+$/.test(value)) return 'printable ASCII without white space'
  if (value.includes('${')) return 'without ${'
  if (operators.has(value)) return 'not an operator'
  if (value.startsWith('#')) return 'not beginning with #'
  return value.endsWith('\\') ? 'not ending with a backslash' : undefined
}

/**
 * A sentence of ours, with values from outside in it, for an `echo` or a comment: whatever iPXE would not print as it
 * is becomes a question mark, so that a refusal can never be refused. At most 200 characters, cut between words.
 */
export function scriptProse(text: string): string {
  const words = text.replaceAll('${', '?{').split(/\s+/).filter(Boolean)
  const clean = words.map((word) =>
    wordFault(word) === undefined ? word : word.replaceAll(/[^\x21-\x7e]/g, '?').replace(/^#|\\$/, '?'),
  )
  const line = clean.map((word) => (operators.has(word) ? '?' : word)).join(' ')
  if (line.length <= maxProse) return line
  const start = line.slice(0, maxProse - 4)
  const blank = line[maxProse - 4] === ' ' ? maxProse - 4 : start.lastIndexOf(' ')
  // A word that is longer than all the room is cut where the room ends.
  return blank > 0 ? `${start.slice(0, blank)} ...` : line.slice(0, maxProse).replace(/\\$/, '?')
}

const maxProse = 200
const operators = new Set(['||', '&&', ';'])
