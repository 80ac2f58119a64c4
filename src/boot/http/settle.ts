import type { Inventory } from '../../inventory/open.ts'
import { inTime } from '../../lib/time/in-time.ts'
import type { BootDeps } from './deps.ts'

/**
 * How long an answer waits for what was seen before it to be written, milliseconds; later than that it stands out of
 * its order.
 */
const settleMs = 2000

/** Waits until the events that were seen so far are written, so that what is written next stands behind them. */
export async function settleEvents({ inventory }: Pick<BootDeps, 'inventory'>): Promise<void> {
  await inTime(inventory.events.flush(), settleMs)
}

/** Records a report behind the events that were seen before it. */
export async function recordInOrder(
  deps: Pick<BootDeps, 'inventory'>,
  ...report: Parameters<Inventory['recordReport']>
): Promise<boolean> {
  await settleEvents(deps)
  return deps.inventory.recordReport(...report)
}
