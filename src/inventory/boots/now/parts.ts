// What the database knows of this moment. Each part is kept as long as people accept it to be old.
import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import { kept } from '../../../lib/time/kept.ts'
import type { ForeignServer } from '../../../model/foreign-server.ts'
import { listForeignServers } from '../../system/foreign-servers.ts'
import { listOpenBoots, type OpenBoots } from './booting.ts'
import { type BootTime, findBootTimes, listRunningBatches, type RunningBatch } from './figures.ts'
import { type FirmwareSeen, listFirmware } from './firmware.ts'

export type NowParts = {
  open: OpenBoots
  firmware: { items: FirmwareSeen[]; more: boolean }
  bootTimes: BootTime[]
  batches: RunningBatch[]
  /** Unacknowledged. */
  foreignServers: ForeignServer[]
  /** Requests that matched several machines. */
  conflicts: number
}

export const emptyParts: NowParts = {
  open: { boots: [], events: [], more: false },
  firmware: { items: [], more: false },
  bootTimes: [],
  batches: [],
  foreignServers: [],
  conflicts: 0,
}

/** Returns a function that finds the parts; a part that changes slowly comes from the last call. */
export function createFindParts(db: Db): () => Promise<NowParts> {
  const bootTimes = kept(60_000, () => findBootTimes(db))
  const batches = kept(2000, () => listRunningBatches(db))
  const foreignServers = kept(5000, async () =>
    (await listForeignServers(db)).filter(({ acknowledgedAt }) => acknowledgedAt === null),
  )
  const conflicts = kept(5000, async () => {
    const found = await db.execute(sql`select count(*)::int as count from conflicts`)
    return rowsOf<{ count: number }>(found)[0]?.count ?? 0
  })
  return async () => {
    const [open, firmware, times, running, foreign, count] = await Promise.all([
      listOpenBoots(db),
      listFirmware(db),
      bootTimes(),
      batches(),
      foreignServers(),
      conflicts(),
    ])
    return { open, firmware, bootTimes: times, batches: running, foreignServers: foreign, conflicts: count }
  }
}
