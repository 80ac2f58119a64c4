// What the doctor reports: one shape for the command line, the API and the page.
import type { FindingState } from '../model/findings/finding.ts'
import { type FindingCode, findings } from '../model/findings/table.ts'

/** The result of one check. */
export type Finding = {
  /** The subject of the check: `offers for UEFI x86-64`. */
  check: string
  state: FindingState
  /** Absent if the state is `ok`. */
  code?: FindingCode
  /** The place: an interface, a server, a file or a setting. */
  where: string
  /** What the check saw, in words. */
  seen: string
  /** Next steps, the first step first. Commands are in backticks. */
  todo: string[]
}

/** All findings of one run, and their worst state. */
export type DoctorReport = { startedAt: string; durationMs: number; state: FindingState; findings: Finding[] }

/** The subject and the place of a check. */
export type Subject = Pick<Finding, 'check' | 'where'>

export function pass({ check, where }: Subject, seen: string): Finding {
  return { check, state: 'ok', where, seen, todo: [] }
}

/** A finding with the next steps of the table, unless the check knows better ones. */
export function fault(
  { check, where }: Subject,
  code: FindingCode,
  seen: string,
  { state = 'error', todo }: { state?: Exclude<FindingState, 'ok'>; todo?: string[] } = {},
): Finding {
  return { check, state, code, where, seen, todo: todo ?? findings[code].todo }
}

/** The worst state: an error before a warning, a warning before unknown. */
export function worstState(list: readonly Finding[]): FindingState {
  const order: FindingState[] = ['error', 'warning', 'unknown']
  return order.find((state) => list.some((finding) => finding.state === state)) ?? 'ok'
}
