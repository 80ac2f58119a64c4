// What a machine went through: attempts to boot, each with its events as lines and with its gaps.
import type { BootEvent, BootSummary } from '../boot.ts'
import type { FindingCode } from '../findings/table.ts'
import { foldEvents, type TimelineLine } from './fold.ts'
import { findGaps } from './gaps.ts'

/** Something that should have followed and did not. */
export type Gap = {
  /** What happened instead, in one sentence without a full stop. */
  text: string
  /** The finding with the likely causes and the next steps, if one fits. */
  code?: FindingCode
  at: Date
}

/** One attempt to boot. Without a boot, the machine never got a script. */
export type Attempt = {
  boot?: BootSummary
  startedAt: Date
  endedAt: Date
  lines: TimelineLine[]
  gaps: Gap[]
}

/** Events without a boot that are further apart belong to two attempts, milliseconds. Firmware retries within minutes. */
const pauseMs = 10 * 60_000

/**
 * The attempts of a machine, newest first. Events of a boot belong to it; the others form attempts by their times. Pure.
 * @param now the present, for gaps that only time shows
 */
export function attemptsOf(boots: BootSummary[], events: BootEvent[], now: Date): Attempt[] {
  const ordered = events.toSorted((first, second) => first.at.getTime() - second.at.getTime())
  const withBoot = boots.map((boot) =>
    attemptOf(
      ordered.filter(({ bootId }) => bootId === boot.id),
      now,
      boot,
    ),
  )
  const strays: BootEvent[][] = []
  for (const event of ordered.filter(({ bootId }) => bootId === undefined)) {
    const last = strays.at(-1)
    const isNear = event.at.getTime() - (last?.at(-1)?.at.getTime() ?? Number.NEGATIVE_INFINITY) <= pauseMs
    if (last === undefined || !isNear) strays.push([event])
    else last.push(event)
  }
  const attempts = [...withBoot, ...strays.map((list) => attemptOf(list, now))]
  return attempts.toSorted((first, second) => second.startedAt.getTime() - first.startedAt.getTime())
}

function attemptOf(events: BootEvent[], now: Date, boot?: BootSummary): Attempt {
  const times = [...events.map(({ at }) => at), ...(boot === undefined ? [] : [boot.startedAt])]
  const [first = now] = times.toSorted((first, second) => first.getTime() - second.getTime())
  const last = new Date(Math.max(...times.map((at) => at.getTime()), first.getTime()))
  return {
    ...(boot !== undefined && { boot }),
    startedAt: first,
    endedAt: last,
    lines: foldEvents(events),
    gaps: findGaps(events, now, boot),
  }
}
