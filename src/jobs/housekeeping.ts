// Changes that only time causes: boots stall, deployments expire, and old records are deleted.
import { sql } from 'drizzle-orm'
import type { Config } from '../config/config.ts'
import type { Db } from '../db/open.ts'
import { pruneLinks } from '../inventory/access/password-links.ts'
import { pruneSessions } from '../inventory/access/sessions.ts'
import { pruneFailures } from '../inventory/access/sign-in-failures.ts'
import { markStalledBoots, pruneBoots } from '../inventory/boots/boots.ts'
import { failLateDeployments } from '../inventory/boots/deployment-moves.ts'
import { capStrayDhcpEvents, pruneStrayEvents } from '../inventory/boots/events.ts'
import { hearMove } from '../inventory/boots/hearers.ts'
import { pruneRollouts } from '../inventory/boots/rollouts/rollouts.ts'
import { pruneChanges, system } from '../inventory/changes/changes.ts'
import { pruneDead } from '../inventory/changes/webhooks.ts'
import { applyEarly, pruneEarly } from '../inventory/journal/writing/early-reports.ts'
import { pruneRuns } from '../inventory/journal/writing/positions.ts'
import { deleteOldArchived } from '../inventory/machines/archive/archived.ts'
import { forgetDiscovered } from '../inventory/machines/identity/discovered.ts'
import { pruneRosterChanges } from '../inventory/roster/questions.ts'
import { pruneIdempotencyKeys } from '../inventory/system/idempotency.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { startLoop } from '../lib/time/loop.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

export type HousekeepingSettings = Pick<
  Config['history'],
  'keepBootsDays' | 'maxBoots' | 'keepChangesDays' | 'keepArchivedDays' | 'keepRolloutsDays'
> & {
  keepDiscoveredDays: number
  /** Hours after which an unused session is deleted. */
  sessionIdleHours: number
  /** Set for the embedded database, which has no autovacuum. */
  vacuums: boolean
  /** Whether reports wait in the journal: then the database does not know yet which boots and deployments continue. */
  isBehind?: () => boolean
}

/** Milliseconds between two runs of each loop. */
type HousekeepingTimes = { soonMs?: number; laterMs?: number }

/**
 * Starts two loops: one for stalled boots and late deployments, every 20 seconds, and one for deletions, every hour.
 */
export function startHousekeeping(
  settings: HousekeepingSettings,
  db: Db,
  log: Logger,
  { soonMs = 20_000, laterMs = 60 * minuteMs, metrics }: HousekeepingTimes & { metrics?: Metrics } = {},
): { stop: () => Promise<void> } {
  const { keepBootsDays, maxBoots, keepChangesDays, keepDiscoveredDays, sessionIdleHours, vacuums } = settings
  const { isBehind = () => false, keepArchivedDays, keepRolloutsDays } = settings
  const hearers = { log, ...(metrics !== undefined && { metrics }) }
  const judge = async () => {
    await capStrayDhcpEvents(db)
    await applyEarly(db, hearers)
    if (isBehind()) return false
    for (const move of await failLateDeployments(db)) hearMove(move, hearers, 'warn')
    for (const { id, machineId, mac, image, message, firmware } of await markStalledBoots(db)) {
      log.warn({ boot: id, mac, machine: machineId, image, outcome: 'stalled', message }, 'boot')
      metrics?.bootEnded({ outcome: 'stalled', firmware, image })
    }
    return false
  }
  const prune = async () => {
    await pruneStrayEvents(db)
    await pruneEarly(db)
    await pruneRuns(db)
    await pruneBoots(db, { days: keepBootsDays, max: maxBoots })
    const notSeenSince = new Date(Date.now() - keepDiscoveredDays * dayMs)
    await forgetDiscovered(db, { notSeenSince }, { limit: 10_000, dryRun: false }, system)
    await deleteOldArchived(db, keepArchivedDays, 10_000, system)
    await pruneRollouts(db, keepRolloutsDays)
    await pruneChanges(db, keepChangesDays)
    await pruneIdempotencyKeys(db)
    await pruneDead(db)
    await pruneSessions(db, { idleHours: sessionIdleHours })
    await pruneLinks(db)
    await pruneFailures(db)
    await pruneRosterChanges(db)
    if (vacuums) await db.execute(sql`vacuum (analyze)`)
    return false
  }
  const loops = [
    startLoop(judge, { name: 'housekeeping', everyMs: soonMs, log, waits: true }),
    startLoop(prune, { name: 'housekeeping', everyMs: laterMs, log, waits: true }),
  ]
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()))
    },
  }
}
