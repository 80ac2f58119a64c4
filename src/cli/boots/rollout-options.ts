// Options of `bootwright rollout start`.
import { InvalidArgumentError } from 'commander'
import type { RolloutStart } from '../../api/schemas/boots/rollout.ts'
import { parseTimes } from '../../model/rollout/window.ts'

const unitSeconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Parses `5%` or `5`. @throws InvalidArgumentError */
export function parsePercent(text: string): number {
  const [, number = ''] = /^(\d{1,3})\s*%?$/.exec(text.trim()) ?? []
  if (number === '' || Number(number) < 1 || Number(number) > 100)
    throw new InvalidArgumentError('Expected a percentage from 1 to 100. Example: 95%')
  return Number(number)
}

/** Collects shares: `5%,25%`, or one at a time. @throws InvalidArgumentError */
export function collectShares(text: string, before: number[] | undefined): number[] {
  return [...(before ?? []), ...text.split(',').map(parsePercent)]
}

/** Parses `95%`, or `approval`. @throws InvalidArgumentError */
export function parseUntilRate(text: string): number | 'approval' {
  return text === 'approval' ? text : parsePercent(text)
}

/** Parses `5%` of the machines, or `3` machines. @throws InvalidArgumentError */
export function parseBound(text: string): NonNullable<RolloutStart['maxFailed']> {
  const [, number = '', sign] = /^(\d{1,6})\s*(%?)$/.exec(text.trim()) ?? []
  if (number === '' || (sign === '%' && Number(number) > 100))
    throw new InvalidArgumentError('Expected a percentage, or a number of machines. Example: 5% or 3')
  return sign === '%' ? { percent: Number(number) } : { count: Number(number) }
}

/** Parses a duration as seconds: `90m`, `2h`, `1d`. @throws InvalidArgumentError */
export function parseSeconds(text: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (count === undefined) throw new InvalidArgumentError('Expected a duration. Example: 90m or 2h')
  return Number(count) * (unitSeconds[unit] ?? 0)
}

/** Parses `22:00-04:00`. @throws InvalidArgumentError */
export function parseBetween(text: string): { from: string; to: string } {
  const times = parseTimes(text)
  if (times === undefined) throw new InvalidArgumentError('Expected two different times of day. Example: 22:00-04:00')
  return times
}

/** The time zone of this computer, by its name. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}
