// A rule that finds a gap in an attempt to boot, and what it asks of the attempt.
import type { BootEvent, BootSummary, Stage } from '../boot.ts'
import type { FindingCode } from '../findings/table.ts'
import type { Gap } from './timeline.ts'

/** The events of one attempt in their order, with what the rules ask of them. */
export type Seen = {
  events: BootEvent[]
  boot: BootSummary | undefined
  now: number
  of: (stage: Stage) => BootEvent[]
  /** Whether the machine has been silent for this time since an event. */
  isSilentSince: (event: BootEvent, forMs?: number) => boolean
}

export type Rule = (seen: Seen) => Gap[]

export const gap = (event: { at: Date }, text: string, code?: FindingCode): Gap => ({
  text,
  at: event.at,
  ...(code !== undefined && { code }),
})
