// Times on the command line.
import { InvalidArgumentError } from 'commander'

const unitsMs: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** Parses the end of a period: `12h` from now (s, m, h, d, w), or an ISO 8601 time. @throws InvalidArgumentError */
export function parseUntil(text: string): string {
  return timeOf(text, 1)
}

/** Parses a time: `2h` before now (s, m, h, d, w), or an ISO 8601 time. @throws InvalidArgumentError */
export function parseSince(text: string): string {
  return timeOf(text, -1)
}

function timeOf(text: string, direction: 1 | -1): string {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  const time = count === undefined ? Date.parse(text) : Date.now() + direction * Number(count) * (unitsMs[unit] ?? 0)
  if (Number.isNaN(time))
    throw new InvalidArgumentError('Expected 30m, 2h, 7d or a time. Example: 2026-01-31T09:30:00Z')
  return new Date(time).toISOString()
}
