// Waves: which machines a rollout reaches first.
import { createHash } from 'node:crypto'

/** A wave reaches the machines of its share that no earlier wave has. Without `until`, it waits for a person. */
export type Wave = {
  /** Percent of all machines, from 1 to 100, together with the earlier waves. */
  share: number
  /** Percent of the wave's machines that must succeed before the next wave begins. */
  until?: number | undefined
}

/** Ids in the order of their places. A place is a hash of the id, so it stays the same whichever other machines there are. */
export function inPlaces(ids: string[]): string[] {
  const places = new Map(ids.map((id) => [id, createHash('sha256').update(id).digest('hex')]))
  const placeOf = (id: string) => places.get(id) ?? ''
  return ids.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
}

/** How many of some machines a share has: at least one. A larger share of the same machines contains the smaller one. */
export function shareCount(machines: number, percent: number): number {
  return Math.ceil((machines * percent) / 100)
}

/** The wave of each place, from 0 on. `shares` rise, and the last is 100. A wave of few machines may have none. */
export function waveOfPlace(place: number, machines: number, shares: number[]): number {
  const wave = shares.findIndex((share) => place < shareCount(machines, share))
  return wave < 0 ? shares.length - 1 : wave
}

/** The shares with a last one for all machines. Undefined if they do not rise from 1 to 100. */
export function wholeShares(shares: number[]): number[] | undefined {
  const whole = shares.at(-1) === 100 ? shares : [...shares, 100]
  const rise = whole.every((share, at) => Number.isInteger(share) && share > (whole[at - 1] ?? 0) && share <= 100)
  return rise ? whole : undefined
}
