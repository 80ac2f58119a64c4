// Finds codes in text: a code, a URL, or lines copied from a console. Pure.
import { type TextRow, textRows } from './texts.ts'

/** A code in a text. `pxe` has its letter and digits: `E53`. */
export type FoundCode =
  | { kind: 'ipxe'; digits: string }
  | { kind: 'pxe'; number: string }
  | { kind: 'bootwright'; code: string }
  | { kind: 'text'; row: TextRow }

/** Only the beginning of a longer text is searched. */
export const maxSearchedCharacters = 4000
const maxCodes = 20

const inText: [RegExp, (found: RegExpMatchArray) => FoundCode][] = [
  [/ipxe\.org\/(?:err\/)?([0-9a-f]{8}|[0-9a-f]{6})(?![0-9a-f])/gi, ([, digits = '']) => ipxe(digits)],
  // iPXE writes ${errno} without leading zeros: 0xf0a6039.
  [/(?<![0-9a-z])0x([0-9a-f]{7,8})(?![0-9a-z])/gi, ([, digits = '']) => ipxe(digits.padStart(8, '0'))],
  [/\berror:? +([0-7][0-9a-f]{7})\b/gi, ([, digits = '']) => ipxe(digits)],
  [
    /\bPXE[- ]?([EMT])([0-9A-F]{2})\b/gi,
    ([, letter = '', number = '']) => ({ kind: 'pxe', number: `${letter}${number}`.toUpperCase() }),
  ],
  [/\bBW-[A-Z0-9]+(?:-[A-Z0-9]+)*\b/gi, ([code]) => ({ kind: 'bootwright', code: code.toUpperCase() })],
]

/** The codes in a text, in the order of the text, each once. Texts of firmware without a code come last. */
export function findCodes(text: string): FoundCode[] {
  const searched = text.slice(0, maxSearchedCharacters)
  const alone = codeAlone(searched.trim())
  if (alone !== undefined) return [alone]
  const found = inText.flatMap(([pattern, codeOf]) =>
    [...searched.matchAll(pattern)].map((match) => ({ at: match.index, code: codeOf(match) })),
  )
  const codes = found.sort((a, b) => a.at - b.at).map(({ code }) => code)
  const texts = textRows
    .filter(({ pattern }) => pattern.test(searched))
    .map((row): FoundCode => ({ kind: 'text', row }))
  const all = new Map([...codes, ...texts].map((code) => [keyOf(code), code]))
  return [...all.values()].slice(0, maxCodes)
}

/** A text that is a code and nothing else, in a shorter form too: `2d0c61`, `E53`, the name of a text. */
function codeAlone(text: string): FoundCode | undefined {
  const digits = /^(?:0x)?([0-9a-f]{6,8})$/i.exec(text)?.[1]
  if (digits !== undefined) return ipxe(digits.length === 7 ? `0${digits}` : digits)
  const number = /^(?:PXE[- ]?)?([EMT][0-9A-F]{2})$/i.exec(text)?.[1]
  if (number !== undefined) return { kind: 'pxe', number: number.toUpperCase() }
  const row = textRows.find(({ code }) => code === text.toLowerCase())
  return row && { kind: 'text', row }
}

function ipxe(digits: string): FoundCode {
  return { kind: 'ipxe', digits: digits.toLowerCase() }
}

function keyOf(code: FoundCode): string {
  if (code.kind === 'text') return code.row.code
  return code.kind === 'ipxe' ? code.digits : code.kind === 'pxe' ? code.number : code.code
}
