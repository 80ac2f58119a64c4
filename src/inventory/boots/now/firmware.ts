// Machines whose firmware was seen, and that got no script yet.
import { inArray, sql } from 'drizzle-orm'
import type { Db } from '../../../db/open.ts'
import { bootEvents } from '../../../db/schema/boots.ts'
import { machineMacs } from '../../../db/schema/machines.ts'
import { type Mac, parseMac } from '../../../lib/ids/mac.ts'
import { type BootEvent, noAddress, type Stage } from '../../../model/boot.ts'
import { findGaps } from '../../../model/timeline/gaps.ts'
import { ownersBy, type Tie } from '../../../model/timeline/ties.ts'
import type { Gap } from '../../../model/timeline/timeline.ts'
import { namesOfMachines } from '../../machines/names.ts'
import { bootEventOf } from '../events.ts'

/** A machine, or a MAC or an address that never became one, before its script. */
export type FirmwareSeen = {
  mac?: string
  ip?: string
  machine?: { id: string; name: string }
  stage: Stage
  /** The last file that it was offered or fetched. */
  file?: string
  since: Date
  lastAt: Date
  /** What should have followed, and did not. */
  gap?: Gap
}

const maxEvents = 1500
const maxShown = 50
const window = sql`interval '5 minutes'`

/** Machines of the last minutes without a script: those with a gap first, then the most silent ones. */
export async function listFirmware(db: Db, now = new Date()): Promise<{ items: FirmwareSeen[]; more: boolean }> {
  const rows = await db
    .select()
    .from(bootEvents)
    .where(sql`boot_id is null and at > now() - ${window} and stage in ('dhcp', 'nbp', 'bootstrap')`)
    .orderBy(sql`at desc, id desc`)
    .limit(maxEvents)
  const seen = firmwareOf(rows.reverse().map(bootEventOf), now)
  const items = seen.slice(0, maxShown)
  const machines = await findOwners(db, items)
  return {
    items: items.map((item) => {
      const machine = item.mac === undefined ? undefined : machines.get(item.mac)
      return machine === undefined ? item : { ...item, machine }
    }),
    more: seen.length > maxShown || rows.length === maxEvents,
  }
}

/** Groups events by the machine that caused them. Pure. */
export function firmwareOf(events: BootEvent[], now: Date): FirmwareSeen[] {
  const ties = events.flatMap(({ mac, ip, at }): Tie[] => {
    const parsed = mac === undefined ? undefined : parseMac(mac)
    return parsed === undefined || ip === noAddress ? [] : [{ mac: parsed, ip, at }]
  })
  const ownerOf = ownersBy(ties)
  const groups = new Map<string, BootEvent[]>()
  for (const event of events) {
    const key = ownerOf(event) ?? event.ip
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [event])
    else group.push(event)
  }
  const list = [...groups].map(([key, group]) => seenOf(parseMac(key), group, now))
  return list.toSorted(
    (first, second) =>
      Number(second.gap !== undefined) - Number(first.gap !== undefined) ||
      first.lastAt.getTime() - second.lastAt.getTime(),
  )
}

function seenOf(mac: Mac | undefined, events: BootEvent[], now: Date): FirmwareSeen {
  // All events of five minutes are one attempt.
  const last = events.at(-1)
  const ip = events.findLast((event) => event.ip !== noAddress)?.ip
  const file = events.findLast((event) => event.file !== undefined)?.file
  const gap = findGaps(events, now).at(-1)
  return {
    ...(mac !== undefined && { mac }),
    ...(ip !== undefined && { ip }),
    stage: last?.stage ?? 'dhcp',
    ...(file !== undefined && { file }),
    since: events[0]?.at ?? now,
    lastAt: last?.at ?? now,
    ...(gap !== undefined && { gap }),
  }
}

async function findOwners(db: Db, items: FirmwareSeen[]): Promise<Map<string, { id: string; name: string }>> {
  const macs = items.flatMap(({ mac }) => (mac === undefined ? [] : [mac as Mac]))
  if (macs.length === 0) return new Map()
  const owners = await db
    .select({ mac: machineMacs.mac, id: machineMacs.machineId })
    .from(machineMacs)
    .where(inArray(machineMacs.mac, macs))
  const names = await namesOfMachines(
    db,
    owners.map(({ id }) => id),
  )
  return new Map(owners.map(({ mac, id }) => [mac, { id, name: names.get(id) ?? mac }]))
}
