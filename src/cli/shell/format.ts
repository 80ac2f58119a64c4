// Values as text for people: sizes, times, counts.
import { formatCount } from '../../lib/text/format.ts'
import { isPast } from '../../model/image.ts'

/**
 * Makes a text safe for a terminal. Machines on an open network choose their messages and names, and a terminal obeys
 * control sequences (ECMA-48: ESC and the C1 characters). Line feeds and tabs stay.
 */
export function printable(text: string): string {
  return text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
}

/**
 * A message with its decoded code: `iPXE: kernel failed, error 2d0c613b (HTTP 404: no such file on the server)`. The message of a
 * refusal (BW-…) is already in words.
 */
export function withFailure(
  message: string | undefined,
  failure: { code: string; title: string } | undefined,
): string | undefined {
  return failure === undefined || failure.code.startsWith('BW-') ? message : `${message} (${failure.title})`
}

/** An ISO 8601 time of the API, to the second: `2026-01-31 12:00:05Z`. */
export function formatTime(iso: string | null | undefined): string {
  return iso ? iso.replace('T', ' ').replace(/\.\d+/, '') : ''
}

/** `x86_64 efi`, `arm64 any platform`. */
export function formatFit(variant: { arch: string; platform?: string | undefined }): string {
  return `${variant.arch} ${variant.platform ?? 'any platform'}`
}

/**
 * The last day with updates: `ends 2028-06-30 (in 581 days)`, `reached end of life on 2026-06-30`. `today` is
 * YYYY-MM-DD.
 */
export function formatEndOfLife(day: string | undefined, today = new Date().toISOString().slice(0, 10)): string {
  if (day === undefined) return ''
  if (isPast(day, today)) return `reached end of life on ${day}`
  const days = daysTo(day, today)
  return `ends ${day} (${days === 0 ? 'today' : `in ${formatCount(days, 'day')}`})`
}

const soonDays = 180

/** True if an end of life is past or soon. */
export function endsSoon(day: string | undefined, today = new Date().toISOString().slice(0, 10)): boolean {
  return day !== undefined && daysTo(day, today) <= soonDays
}

function daysTo(day: string, today: string): number {
  return Math.round((Date.parse(day) - Date.parse(today)) / 86_400_000)
}
