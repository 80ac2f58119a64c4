// Folds the repeats of a machine's events. Pure.
import type { BootEvent } from '../boot.ts'

/** An event, or the first of several alike. */
export type TimelineLine = BootEvent & {
  /** How often the event was seen, alone or in a repeated sequence. */
  times: number
  /** The time of the last one. */
  lastAt: Date
}

/** The longest repeated sequence that is recognized: offer, lease, answer, two downloads. */
const maxSequence = 5
/** A sequence of several events counts as repeated from this number of rounds. */
const minRounds = 3

/** Events in their order, with repeats folded: `A A A` is one line, and `A B A B A B` is two lines with three times each. */
export function foldEvents(events: BootEvent[]): TimelineLine[] {
  const keys = events.map(keyOf)
  const lines: TimelineLine[] = []
  for (let at = 0; at < events.length; ) {
    const { length, rounds } = longestRepeat(keys, at)
    for (const [place, event] of events.slice(at, at + length).entries()) {
      const last = events[at + (rounds - 1) * length + place] ?? event
      lines.push({ ...event, times: rounds, lastAt: last.at })
    }
    at += length * rounds
  }
  return lines
}

/** The sequence at a place whose repeats cover the most events. */
function longestRepeat(keys: string[], start: number): { length: number; rounds: number } {
  let best = { length: 1, rounds: 1 }
  for (let length = 1; length <= maxSequence; length++) {
    const rounds = roundsOf(keys, start, length)
    const isRepeat = length === 1 ? rounds > 1 : rounds >= minRounds
    if (isRepeat && rounds * length > best.rounds * best.length) best = { length, rounds }
  }
  return best
}

function roundsOf(keys: string[], start: number, length: number): number {
  let rounds = 1
  while (keys.slice(start, start + length).every((key, place) => keys[start + rounds * length + place] === key))
    rounds += 1
  return rounds
}

function keyOf({ stage, kind, client, file, mac, ip, message }: BootEvent): string {
  return JSON.stringify([stage, kind, client, file, mac, ip, message])
}
