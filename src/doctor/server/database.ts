// The database: whether it answers, how fast, and whether its clock agrees with the clock of this computer.
import { findDatabaseTime } from '../../inventory/system/database-time.ts'
import { findHealth } from '../../inventory/system/health.ts'
import { type Finding, fault, pass } from '../finding.ts'
import type { ServerContext } from './context.ts'

const subject = { check: 'database', where: 'DATABASE_URL, or the embedded database' }
const clock = { check: 'clock', where: 'this server and the database' }

/** A script waits for a few questions to the database. */
const slowMs = 500
const maxDifferenceMs = 5000
/** Signatures of Debian and certificates are younger than this program. */
const earliest = Date.parse('2026-01-01T00:00:00Z')

export async function checkDatabase(context: ServerContext): Promise<Finding[]> {
  const { database, reason } = await findHealth(context)
  if (database === 'away') return [fault(subject, 'BW-DATABASE', 'no answer within 2 s')]
  const started = performance.now()
  const sentAt = Date.now()
  const time = await findDatabaseTime(context.db)
  const durationMs = Math.round(performance.now() - started)
  const findings = [checkClock(time === undefined ? undefined : time.getTime() - sentAt - durationMs / 2)]
  if (database === 'read-only') return [fault(subject, 'BW-DATABASE', reason ?? 'read-only'), ...findings]
  if (database === 'few connections')
    return [
      fault(subject, 'BW-DATABASE', 'it has too few connections for this server', { state: 'warning' }),
      ...findings,
    ]
  if (durationMs > slowMs)
    return [fault(subject, 'BW-DATABASE', `an answer takes ${durationMs} ms`, { state: 'warning' }), ...findings]
  return [pass(subject, `it answers in ${durationMs} ms`), ...findings]
}

function checkClock(differenceMs: number | undefined): Finding {
  const now = new Date()
  if (now.getTime() < earliest) return fault(clock, 'BW-CLOCK', `this computer's clock says ${now.toISOString()}`)
  if (differenceMs === undefined || Number.isNaN(differenceMs))
    return fault(clock, 'BW-CHECK', 'the database gives no time', { state: 'unknown' })
  const seconds = Math.round(Math.abs(differenceMs) / 1000)
  if (Math.abs(differenceMs) > maxDifferenceMs)
    return fault(clock, 'BW-CLOCK', `the clocks differ by ${seconds} s`, { state: seconds > 60 ? 'error' : 'warning' })
  return pass(clock, `${now.toISOString().slice(0, 19)}Z, and the database agrees`)
}
