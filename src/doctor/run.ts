// Runs checks beside one another, each within its time. A check that fails is a finding, never the end of the others.
import { messageOf } from '../lib/errors.ts'
import { inTime } from '../lib/time/in-time.ts'
import { type DoctorReport, type Finding, fault, worstState } from './finding.ts'

/** A check. It stops when the signal aborts. */
export type Check = {
  name: string
  /** Maximum duration; 10 seconds by default. */
  maxMs?: number
  run: (signal: AbortSignal) => Promise<Finding[]>
}

const defaultMaxMs = 10_000

/** Runs all checks at the same time. The findings are in the order of the checks. Never rejects. */
export async function runChecks(checks: readonly Check[]): Promise<DoctorReport> {
  const startedAt = new Date().toISOString()
  const started = performance.now()
  const findings = (await Promise.all(checks.map(runCheck))).flat()
  const durationMs = Math.round(performance.now() - started)
  return { startedAt, durationMs, state: worstState(findings), findings }
}

async function runCheck({ name, run, maxMs = defaultMaxMs }: Check): Promise<Finding[]> {
  const stop = new AbortController()
  const subject = { check: name, where: 'this check' }
  try {
    const running = run(stop.signal)
    const found = await inTime(running, maxMs)
    running.catch(() => {})
    return found ?? [fault(subject, 'BW-CHECK', `no result within ${maxMs / 1000} s`, { state: 'unknown' })]
  } catch (error) {
    return [fault(subject, 'BW-CHECK', messageOf(error), { state: 'unknown' })]
  } finally {
    stop.abort()
  }
}
