// Keeps a boot's events and reports in their order. Called by the handlers that write.
import type { Inventory } from '../../inventory/open.ts'
import { inTime } from '../../lib/time/in-time.ts'
import type { BootDeps } from './deps.ts'

/** Maximum time that an answer waits for earlier events, milliseconds. After that, events may be out of order. */
const settleMs = 2000

/** Waits until all events so far are written, so that later records follow them. */
export async function settleEvents({ inventory }: Pick<BootDeps, 'inventory'>): Promise<void> {
  await inTime(inventory.events.flush(), settleMs)
}

/** Records a report after the events before it. */
export async function recordInOrder(
  deps: Pick<BootDeps, 'inventory'>,
  ...report: Parameters<Inventory['recordReport']>
): Promise<boolean> {
  await settleEvents(deps)
  return deps.inventory.recordReport(...report)
}
