// The timeline of a machine for people: attempts, each with its lines and its gaps.
import type { Timeline } from '../../api/schemas/boots/timeline.ts'
import type { Tone } from '../http/tone.ts'
import { lookOf } from './strip.ts'

type Attempt = Timeline['attempts'][number]

/** A line with the seconds since the attempt began. */
export type LineView = Attempt['lines'][number] & { after: string; what: string }

export type AttemptView = Omit<Attempt, 'lines'> & { tone: Tone; word: string; lines: LineView[] }

export function attemptsOf({ attempts }: Timeline): AttemptView[] {
  return attempts.map((attempt) => {
    const start = Date.parse(attempt.startedAt)
    const { boot } = attempt
    const look = boot === undefined ? { tone: 'warn' as const, word: 'no script' } : lookOf(boot.outcome)
    const lines = attempt.lines.map((line) => ({
      ...line,
      after: `+${((Date.parse(line.at) - start) / 1000).toFixed(1)} s`,
      what: line.kind === undefined ? line.stage : `${line.stage} ${line.kind}`,
    }))
    return { ...attempt, ...look, lines }
  })
}
