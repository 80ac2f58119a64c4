/** The kind of a text decides which rules apply to it. */
export type Kind =
  | 'paragraph'
  | 'heading'
  | 'comment'
  | 'message'
  | 'log'
  | 'summary'
  | 'command'
  | 'setting'
  | 'title'
  | 'screen'

/** A part of a text and where it begins in the file. */
export type Piece = { value: string; offset: number }

/** A text that people read, of one or more pieces: a comment of several lines, a string that is joined with another. */
export type Text = { kind: Kind; pieces: Piece[] }

/** Marks a word that stands for a value: the file has a placeholder there. */
const placeholder = 'X'

export const joined = (text: Text) => text.pieces.map(({ value }) => value).join('')

/** The offset in the file of a character of the joined text. */
export function offsetIn(text: Text, index: number): number {
  let before = 0
  for (const { value, offset } of text.pieces) {
    if (index < before + value.length) return offset + index - before
    before += value.length
  }
  const last = text.pieces.at(-1)
  return last === undefined ? 0 : last.offset + last.value.length
}

/** The line of a file, counted from 1. */
export const lineAt = (source: string, offset: number) => source.slice(0, offset).split('\n').length

/** One word of the same length: the offsets of later words do not change. */
export const masked = (value: string) => placeholder.repeat(value.length)

/**
 * Makes each piece of code and each address one word, so that no rule looks into it, and each line of a list a text of its
 * own. The offsets do not change.
 */
export function maskCode(value: string): string {
  return value
    .replace(/`[^`]*`|\bhttps?:\/\/[^\s)>]+/g, (code) => code.replace(/[\s.?!;:]/g, '_'))
    .replace(/\n(?: {2}|- )/g, '\n\n ')
}
