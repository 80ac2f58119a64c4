// Background work: housekeeping, rollouts, verification of files, webhooks and imports.
import type { Config } from '../config/config.ts'
import { createFileChecks, type FileChecks } from '../files/check.ts'
import { type OpenIntake, openIntake } from '../intake/open-intake.ts'
import { startBackgroundChecks } from '../jobs/background-checks.ts'
import { startHousekeeping } from '../jobs/housekeeping.ts'
import { settleRollouts, startRollouts } from '../jobs/rollouts.ts'
import { startWebhookSender } from '../jobs/webhook-sender.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { usualRedfishTimes } from '../power/redfish/open-redfish.ts'
import { type PowerRunner, startPower, usualPowerTimes } from '../power/run-power.ts'
import { type BootListener, bootUrlOf } from './boot-listener.ts'
import type { Closers } from './closers.ts'
import type { Data } from './data/data.ts'
import { loadServerId } from './data/server-id.ts'

export type Jobs = { checks: FileChecks; intake: OpenIntake; power: PowerRunner }

export async function startJobs(
  config: Config,
  data: Data,
  log: Logger,
  metrics: Metrics,
  closers: Closers,
): Promise<Jobs> {
  const { db, sealer, shared: store, isShared } = data
  const { history, discovery, files, imports, database } = config
  const housekeeping = {
    ...history,
    keepDiscoveredDays: discovery.keepDays,
    sessionIdleHours: config.sessions.idleHours,
    vacuums: database.url === undefined,
    isBehind: () => data.inventory.journal.isBehind(),
  }
  closers.add(startHousekeeping(housekeeping, db, log, { metrics }).stop)
  const checks = createFileChecks({ db, store, log })
  const verifying = { everyDays: files.verifyDays, mayCheck: isShared }
  closers.add(startBackgroundChecks({ db, log }, checks, verifying).stop)
  closers.add(startWebhookSender(db, sealer, log).stop)
  const server = await loadServerId(data.folder.serverId)
  const intakeSettings = { ...imports, server, folder: data.folder, maxFileBytes: files.maxBytes }
  const intake = await openIntake(intakeSettings, { db, store, log })
  closers.add(intake.stop)
  const { atOnce, bmcSubnets } = config.power
  const powering = { db, sealer, log, bmcSubnets, times: usualRedfishTimes }
  const power = startPower(powering, { ...usualPowerTimes, atOnce })
  closers.add(power.stop)
  return { checks, intake, power }
}

/** Looks at the rollouts once, before machines can boot. */
export async function settleRolloutJob({ db, inventory }: Data, log: Logger, metrics: Metrics): Promise<void> {
  await settleRollouts({ db, log, metrics, isBehind: () => inventory.journal.isBehind() })
}

/** Starts the rollouts of the database. They check machines as the API does, so the boot listener opens first. */
export function startRolloutJob(
  config: Config,
  { db, inventory }: Data,
  boot: BootListener,
  log: Logger,
  metrics: Metrics,
  closers: Closers,
): void {
  const { findStoredSize, scripts, settings } = boot.deps
  const isBehind = () => inventory.journal.isBehind()
  const deps = {
    ...{ db, inventory, findStoredSize, scripts, settings, log, metrics, isBehind },
    bootUrl: bootUrlOf(config, boot),
  }
  closers.add(startRollouts(deps).stop)
}
