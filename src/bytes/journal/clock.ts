// The times of records: milliseconds on a clock that only runs forward. Called by run.ts and former-runs.ts.
import { readFileSync } from 'node:fs'
import type { SegmentHead } from './segments.ts'

/** Milliseconds since this computer started; setting its wall clock does not change them. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

/** The head of a run's segments: its beginning on both clocks. */
export function headOfRun(): SegmentHead {
  return { journal: 1, wallMs: Date.now(), monotonicMs: monotonicMs(), computer: startOfComputer() }
}

/**
 * The present time of a run, in milliseconds since it began. The wall clock decides only if the computer has been restarted
 * since then, and never gives a time before the beginning.
 */
export function presentOf(head: SegmentHead): number {
  const isSame = head.computer !== '' && head.computer === startOfComputer()
  return Math.max(0, isSame ? monotonicMs() - head.monotonicMs : Date.now() - head.wallMs)
}

let startId: string | undefined

/** The kernel's random id of this start of the computer (random(4)); empty on a system without it. */
function startOfComputer(): string {
  try {
    startId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    startId = ''
  }
  return startId
}
