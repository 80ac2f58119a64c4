// Values as text for people on a page.
import type { FieldFault } from '../../lib/errors.ts'
import { formatBytes } from '../../lib/text/format.ts'

export { formatBytes as bytes } from '../../lib/text/format.ts'

/** `2026-01-31 12:00:05Z`, to the second. */
export function time(iso: string | Date | null | undefined): string {
  if (iso === null || iso === undefined) return ''
  return new Date(iso).toISOString().replace('T', ' ').replace(/\.\d+/, '')
}

/** The time of day at an offset from UTC in minutes: `00:00 UTC`, `00:00 UTC+05:30`. */
export function timeOfDay(iso: string | Date, utcOffset: number): string {
  const local = new Date(new Date(iso).getTime() + utcOffset * 60_000)
  return `${local.toISOString().slice(11, 16)} UTC${offset(utcOffset)}`
}

function offset(minutes: number): string {
  if (minutes === 0) return ''
  const all = Math.abs(minutes)
  const [hours, quarters] = [Math.floor(all / 60), all % 60].map((part) => String(part).padStart(2, '0'))
  return `${minutes < 0 ? '−' : '+'}${hours}:${quarters}`
}

/** The time since then, in the largest unit: `12 s`, `5 min`, `3 h`, `8 days`. */
export function age(iso: string | Date | null | undefined, now = Date.now()): string {
  return iso === null || iso === undefined ? '' : duration(Math.max(0, now - new Date(iso).getTime()))
}

/** Milliseconds in one or two units: `850 ms`, `12 s`, `5 min 3 s`, `3 h 10 min`, `8 days`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return ''
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days`
}

/** `12.3 MB/s`. */
export function speed(bytesPerSecond: number | null | undefined): string {
  return bytesPerSecond === null || bytesPerSecond === undefined ? '' : `${formatBytes(Math.round(bytesPerSecond))}/s`
}

/** `1 machine`, `2 machines`, `1,000 machines`. */
export function count(number: number, word: string, plural = `${word}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? word : plural}`
}

/** Indented JSON. */
export function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2)
}

/** `rack=b4 row=2`. */
export function labels(all: Record<string, string> | null | undefined): string {
  return Object.entries(all ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}

/** A sentence in parts: commands are in backticks. */
export function parts(sentence: string): { text: string; isCommand: boolean }[] {
  return sentence.split('`').map((text, index) => ({ text, isCommand: index % 2 === 1 }))
}

/** A refused value in words: `entry 1, name: expected a name, got “a b”`. */
export function fault({ field, value, expected, message }: FieldFault): string {
  if (message !== undefined) return message
  return `${fieldWords(field)}: expected ${expected}${value === '' ? '' : `, got “${value}”`}`
}

/** The fault of one field of a refused form: `expected a version of image tool: 2, 1`. @param path the end of the field's path */
export function faultOf(refusal: { faults: FieldFault[] } | undefined, path: string): string | undefined {
  const found = refusal?.faults.find(({ field }) => field === path || field.endsWith(`.${path}`))
  return found && (found.message ?? `expected ${found.expected}`)
}

const rows: Record<string, string> = { entries: 'entry', documents: 'document', selector: 'condition' }

/** Paths of the API as words of a form: `menu.entries[0].name` is `entry 1, name`. */
function fieldWords(path: string): string {
  return path
    .replace(/^(menu|group)\./, '')
    .replace(/^between\./, 'maintenance window, ')
    .replace(
      /^(entries|documents|selector)\[(\d+)\]/,
      (_, list: string, index: string) => `${rows[list]} ${Number(index) + 1}`,
    )
    .replace(/^(entry|document|condition) (\d+)\./, '$1 $2, ')
}

/** The page about the place of a finding: that of `machine db01`. */
export function placePath(where: string): string | undefined {
  const [, machine] = /^machine (\S+)$/.exec(where) ?? []
  return machine === undefined ? undefined : `/machines?${new URLSearchParams({ q: machine })}`
}
