// Checks words for iPXE scripts, and wraps sentences for the console. Pure.
import { InputError } from '../lib/errors.ts'

/**
 * A value as a single word of an iPXE script. iPXE has no quoting (its core/exec.c), so a value is accepted or refused.
 * Values with white space, `${`, operators, comments or a backslash at the end are refused.
 * @throws InputError that names the field
 */
export function scriptWord(value: string, field = 'value'): string {
  const fault = wordFault(value)
  if (fault !== undefined)
    throw new InputError({ field, value, expected: `a single word for an iPXE script: ${fault}` })
  return value
}

/** Why a value cannot be a word of an iPXE script; undefined if it can. */
export function wordFault(value: string): string | undefined {
  if (value === '') return 'not empty'
  if (!/^[\x21-\x7e]+$/.test(value)) return 'printable ASCII without white space'
  if (value.includes('${')) return 'without ${'
  if (operators.has(value)) return 'not an operator'
  if (value.startsWith('#')) return 'not beginning with #'
  return value.endsWith('\\') ? 'not ending with a backslash' : undefined
}

/**
 * A sentence for an `echo` or a comment. Characters that iPXE would not print become question marks, so that every refusal
 * can be shown. A longer sentence is truncated between words.
 */
export function scriptProse(text: string, maxCharacters = 200): string {
  if (text.length <= maxCharacters && isPlain(text)) return text
  const words = text.replaceAll('${', '?{').split(/\s+/).filter(Boolean)
  const clean = words.map((word) =>
    wordFault(word) === undefined ? word : word.replaceAll(/[^\x21-\x7e]/g, '?').replace(/^#|\\$/, '?'),
  )
  const line = clean.map((word) => (operators.has(word) ? '?' : word)).join(' ')
  if (line.length <= maxCharacters) return line
  const start = line.slice(0, maxCharacters - 4)
  const blank = line[maxCharacters - 4] === ' ' ? maxCharacters - 4 : start.lastIndexOf(' ')
  // A word that is longer than the limit is truncated at the limit.
  return blank > 0 ? `${start.slice(0, blank)} ...` : line.slice(0, maxCharacters).replace(/\\$/, '?')
}

/** Whether a script can contain a text unchanged: plain words with single spaces between them. Most texts are plain. */
function isPlain(text: string): boolean {
  return /^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(text) && !/\$\{|[#\\]|\|\||&&|(^| );( |$)/.test(text)
}

/** Columns of a machine's console. iPXE breaks longer lines inside words, and operators could not retype commands. */
const columns = 80
const maxScreenLines = 6

/**
 * Wraps a sentence for a console, between words. No line begins with a dash, which iPXE's echo would parse as an option. A
 * word that is longer than a line gets its own line.
 */
export function screenLines(text: string): string[] {
  const lines: string[] = []
  for (const word of scriptProse(text, columns * maxScreenLines).split(/ (?!-)/)) {
    const line = lines.at(-1)
    if (line === undefined || line.length + 1 + word.length >= columns) lines.push(word)
    else lines[lines.length - 1] = `${line} ${word}`
  }
  return lines
}

const operators = new Set(['||', '&&', ';'])
