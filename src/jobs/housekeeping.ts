import { sql } from 'drizzle-orm'
import type { Config } from '../config/config.ts'
import type { Db } from '../db/open.ts'
import { markStalledBoots, pruneBoots } from '../inventory/boots/boots.ts'
import { failLateDeployments } from '../inventory/boots/deployment-moves.ts'
import { pruneStrayEvents } from '../inventory/boots/events.ts'
import { pruneChanges, system } from '../inventory/changes/changes.ts'
import { pruneDead } from '../inventory/changes/webhooks.ts'
import { forgetDiscovered } from '../inventory/machines/identity/discovered.ts'
import { pruneIdempotencyKeys } from '../inventory/system/idempotency.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'

const minuteMs = 60_000

/** What time alone brings: boots that stall, deployments whose time is over, and what need not be kept any longer. */
export function startHousekeeping(
  config: Pick<Config, 'databaseUrl' | 'keepBootsDays' | 'keepBoots' | 'keepChangesDays' | 'keepDiscoveredDays'>,
  db: Db,
  log: Logger,
  { soonMs, laterMs } = { soonMs: 20_000, laterMs: 60 * minuteMs },
): { stop: () => Promise<void> } {
  const soon = every(soonMs, log, async () => {
    await failLateDeployments(db)
    const stalled = await markStalledBoots(db)
    if (stalled > 0) log.warn({ stalled }, 'boots stopped moving')
  })
  const later = every(laterMs, log, async () => {
    await pruneStrayEvents(db)
    await pruneBoots(db, { days: config.keepBootsDays, most: config.keepBoots })
    const notSeenSince = new Date(Date.now() - config.keepDiscoveredDays * 24 * 60 * minuteMs)
    await forgetDiscovered(db, { notSeenSince }, { limit: 10_000, dryRun: false }, system)
    await pruneChanges(db, config.keepChangesDays)
    await pruneIdempotencyKeys(db)
    await pruneDead(db)
    // The embedded database has no autovacuum.
    if (config.databaseUrl === undefined) await db.execute(sql`vacuum (analyze)`)
  })
  return {
    stop: async () => {
      await Promise.all([soon(), later()])
    },
  }
}

/** Runs `task` now and then, never twice at once; gives the function that ends it and waits for it. */
function every(intervalMs: number, log: Logger, task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> = Promise.resolve()
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    running = task()
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'housekeeping failed; it is tried again'))
      .finally(() => {
        busy = false
      })
  }, intervalMs)
  return () => {
    clearInterval(timer)
    return running
  }
}
