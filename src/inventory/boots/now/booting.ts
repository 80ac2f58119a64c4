// The boots of this moment: stalled or in progress, with their downloads and the likely causes of a stall.
import { sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { bootEvents } from '../../../db/schema/boots.ts'
import type { BootEvent, BootSummary } from '../../../model/boot.ts'
import { type RunningDownload, stuckDownload } from '../../../model/timeline/downloads.ts'
import { findGaps } from '../../../model/timeline/gaps.ts'
import type { Gap } from '../../../model/timeline/timeline.ts'
import { listBootsWhere } from '../boots.ts'
import { bootEventOf } from '../events.ts'
import { stallLimits } from '../stalls.ts'

/** A boot of this moment. */
export type Booting = {
  boot: BootSummary
  /** The file that the machine loads now. */
  download?: RunningDownload
  /** Why the boot does not move. */
  stalled?: Gap
  /** What should have followed by now; the boot may still move. */
  gap?: Gap
}

/** Boots with the events of their downloads. */
export type OpenBoots = { boots: BootSummary[]; events: BootEvent[]; more: boolean }

const maxBoots = 200
const maxStalled = 100
const maxEvents = 4000
/** A boot that shows a menu stays open until its machine boots again. */
const recent = sql`moved_at > now() - interval '1 day'`

/** The stalled boots that stopped last, and the open boots that have been at their stage for longest. */
export async function listOpenBoots(db: Db): Promise<OpenBoots> {
  const found = await listBootsWhere(
    db,
    sql`boots.id in (
      (select id from boots where outcome = 'stalled' and ${recent} order by moved_at desc limit ${maxStalled + 1})
      union all
      (select id from boots where outcome is null and ${recent} order by moved_at limit ${maxBoots + 1}))`,
    maxBoots + maxStalled + 2,
  )
  const stalled = found.filter(({ outcome }) => outcome === 'stalled')
  const open = found.filter(({ outcome }) => outcome === null)
  const byTime = (list: BootSummary[]) => list.toSorted((a, b) => a.movedAt.getTime() - b.movedAt.getTime())
  const chosen = byTime(stalled).slice(-maxStalled)
  const boots = [...chosen, ...byTime(open).slice(0, maxBoots - chosen.length)]
  return { boots, events: await downloadsOf(db, boots), more: boots.length < found.length }
}

async function downloadsOf(db: Db, boots: BootSummary[]): Promise<BootEvent[]> {
  if (boots.length === 0) return []
  const ids = JSON.stringify(boots.map(({ id }) => id))
  const rows = await db
    .select()
    .from(bootEvents)
    .where(
      sql`boot_id in (select value::uuid from jsonb_array_elements_text(${ids}::jsonb)) and stage in ('kernel', 'initrd', 'file')`,
    )
    .orderBy(sql`at desc`)
    .limit(maxEvents)
  return rows.reverse().map(bootEventOf)
}

/** The boots with their downloads and causes: stalled boots first, then those that have been at their stage for longest. Pure. */
export function bootingOf({ boots, events }: OpenBoots, downloads: RunningDownload[], now: Date): Booting[] {
  const downloadOf = matchDownloads(boots, downloads)
  const byBoot = new Map<string | undefined, BootEvent[]>()
  for (const event of events) byBoot.set(event.bootId, [...(byBoot.get(event.bootId) ?? []), event])
  const booting = boots.map((boot): Booting => {
    const download = downloadOf.get(boot.id)
    const stuck = download && stuckDownload(download, now)
    // A boot that loads a big file over a slow line is at one stage for long, and not stalled.
    const isMoving = download !== undefined && stuck === undefined
    const stalled = stuck ?? (isMoving || boot.outcome !== 'stalled' ? undefined : stallOf(boot))
    const gap = isMoving || stalled ? undefined : findGaps(byBoot.get(boot.id) ?? [], now, boot).at(-1)
    return { boot, ...(download && { download }), ...(stalled && { stalled }), ...(gap && { gap }) }
  })
  return booting.toSorted(
    (first, second) =>
      Number(second.stalled !== undefined) - Number(first.stalled !== undefined) ||
      first.boot.movedAt.getTime() - second.boot.movedAt.getTime(),
  )
}

function stallOf({ stage, message, movedAt }: BootSummary): Gap {
  const code = stallLimits[stage]?.code
  return { at: movedAt, text: message ?? `stalled at ${stage}`, ...(code !== undefined && { code }) }
}

/**
 * The newest download of each boot: by the boot in its URL. The URLs that an installer makes name no boot, so they count by the
 * address, unless several boots have it.
 */
function matchDownloads(boots: BootSummary[], downloads: RunningDownload[]): Map<string, RunningDownload> {
  const byAddress = new Map<string, string | undefined>()
  for (const { id, ip } of boots) byAddress.set(ip, byAddress.has(ip) ? undefined : id)
  const found = new Map<string, RunningDownload>()
  for (const download of downloads) {
    const boot = download.boot ?? byAddress.get(download.address)
    if (boot !== undefined) found.set(boot, download)
  }
  return found
}
