// What hears of boots and deployments after they are written: the log has a line for each move, and the metrics count it.
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { failureOf } from '../../model/codes/explain.ts'
import type { MovedDeployment } from './deployment-moves.ts'
import type { Reported } from './reports.ts'

export type Hearers = {
  log?: Logger
  metrics?: Pick<Metrics, 'bootOpened' | 'bootEnded' | 'report' | 'stage' | 'deploymentMoved'>
  /** Hears of each deployment that moved. */
  moved?: (deployment: MovedDeployment) => void
}

export function hearReport(
  { boot, seen, ip, message, ageMs, moved, outcome, ended }: Reported,
  { log, metrics }: Hearers,
): void {
  const { id, mac, machineId: machine, deploymentId: deployment, image, firmware, ageSeconds } = boot
  // An installer may repeat its step every few seconds.
  const level = moved ? 'info' : 'debug'
  const failure = seen === 'failed' ? failureOf(message)?.title : undefined
  log?.[level]({ boot: id, mac, machine, deployment, image, ip, report: seen, message, failure, outcome }, 'report')
  metrics?.report(seen)
  if (moved) metrics?.stage(seen, ageSeconds - ageMs / 1000)
  if (ended && outcome !== null) metrics?.bootEnded({ outcome, firmware, image })
}

/** @param level `warn` for a deployment that failed because it is late */
export function hearMove(
  deployment: MovedDeployment,
  { log, metrics, moved }: Hearers,
  level: 'info' | 'warn' = 'info',
): void {
  const { id, machineId, image, state, attempts, reason } = deployment
  moved?.(deployment)
  log?.[level]({ deployment: id, machine: machineId, image, state, attempts, reason }, 'deployment')
  metrics?.deploymentMoved(state)
}
