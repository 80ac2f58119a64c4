// Finds what should have followed in an attempt to boot, and did not. Pure.
import type { BootEvent, BootSummary } from '../boot.ts'
import { bootRules } from './boot-gaps.ts'
import { firmwareRules } from './firmware-gaps.ts'
import type { Seen } from './gap-rule.ts'
import type { Gap } from './timeline.ts'

/** A machine that continues does so within this time: firmware waits up to 30 s, and iPXE up to 60 s, for DHCP. */
const patienceMs = 90_000
const rules = [...firmwareRules, ...bootRules]

/**
 * The gaps of one attempt, in the order of their times.
 * @param events in the order in which they were seen
 * @param boot the boot that the events belong to; undefined if the machine never got a script
 */
export function findGaps(events: BootEvent[], now: Date, boot?: BootSummary): Gap[] {
  const lastAt = events.at(-1)?.at.getTime() ?? 0
  const seen: Seen = {
    events,
    boot,
    now: now.getTime(),
    of: (stage) => events.filter((event) => event.stage === stage),
    isSilentSince: (event, forMs = patienceMs) =>
      now.getTime() - lastAt > forMs && now.getTime() - event.at.getTime() > forMs,
  }
  return rules.flatMap((rule) => rule(seen)).toSorted((first, second) => first.at.getTime() - second.at.getTime())
}
