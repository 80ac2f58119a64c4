// Finds what a machine went through, also for a MAC or an address that never became a machine.

import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { bootEvents } from '../../db/schema/boots.ts'
import type { Mac } from '../../lib/ids/mac.ts'
import { type BootEvent, type BootSummary, noAddress } from '../../model/boot.ts'
import type { Machine } from '../../model/machine.ts'
import { eventsOfMacs, type Tie } from '../../model/timeline/ties.ts'
import { type Attempt, attemptsOf } from '../../model/timeline/timeline.ts'
import { listBootsWhere } from './boots.ts'
import { bootEventOf } from './events.ts'

/** The subject of a timeline: a machine, a MAC without a machine, or an address. */
export type TimelineSubject = { machine: Machine } | { mac: Mac } | { address: string }

export type Timeline = {
  /** The MACs, also those that had the address. */
  macs: Mac[]
  /** The addresses that the MACs had in the window. */
  addresses: string[]
  /** Newest first. */
  attempts: Attempt[]
  /** The end of the next window, if there are more boots. */
  next?: Date
}

export type TimelineWindow = { since: Date | undefined; before: Date | undefined; maxBoots: number }

/** Events without a boot are kept for a day. A machine in a loop has thousands. */
const maxStrayEvents = 2000
const maxTies = 5000
const maxAddresses = 32

/** The attempts of a window. `now` is the present, for gaps that only time shows. */
export async function findTimeline(
  db: Db,
  subject: TimelineSubject,
  { since, before, maxBoots }: TimelineWindow,
  now = new Date(),
): Promise<Timeline> {
  const given = 'machine' in subject ? subject.machine.macs : 'mac' in subject ? [subject.mac] : []
  const owner =
    'machine' in subject
      ? sql`(machine_id = ${subject.machine.id} or (machine_id is null and mac in ${listOf(given)}))`
      : 'mac' in subject
        ? sql`(machine_id is null and mac = ${subject.mac})`
        : sql`ip = ${subject.address}`
  const window = sql`${after(sql`started_at`, since)} and ${until(sql`started_at`, before)}`
  const found = await listBootsWhere(db, sql`${owner} and ${window}`, maxBoots + 1)
  const boots = found.slice(0, maxBoots)
  const oldest = found.length > maxBoots ? boots.at(-1)?.startedAt : undefined
  // The events of firmware precede the script of their boot.
  const from = since ?? (oldest && new Date(oldest.getTime() - 10 * 60_000))

  const strayWindow = sql`${after(sql`at`, from)} and ${until(sql`at`, before)}`
  const addresses = new Set('address' in subject ? [subject.address] : [])
  const ties = await tiesWhere(db, tieCondition(given, subject), strayWindow)
  for (const { mac, ip } of ties) if (given.includes(mac)) addresses.add(ip)
  for (const boot of boots) addresses.add(boot.ip)
  const ips = [...addresses].slice(0, maxAddresses)
  const strays = await eventsWhere(
    db,
    sql`boot_id is null and (mac in ${listOf(given)} or ip in ${listOf(ips)}) and ${strayWindow}`,
    maxStrayEvents,
  )
  const others = ips.length === 0 ? [] : await tiesWhere(db, sql`ip in ${listOf(ips)}`, strayWindow)
  const own = 'address' in subject ? strays : eventsOfMacs(strays, given, [...ties, ...others])
  const ofBoots = await eventsWhere(
    db,
    sql`boot_id in ${listOf(
      boots.map(({ id }) => id),
      'uuid',
    )}`,
    maxBoots * 500,
  )
  const attempts = attemptsOf(boots, [...ofBoots, ...own], now)
  const macs = 'address' in subject ? macsIn(boots, [...ofBoots, ...own]) : given
  return { macs, addresses: ips, attempts, ...(oldest !== undefined && { next: oldest }) }
}

function tieCondition(macs: Mac[], subject: TimelineSubject) {
  return 'address' in subject ? sql`ip = ${subject.address}` : sql`mac in ${listOf(macs)}`
}

/** The addresses of MACs, from events of DHCP and from boots. */
async function tiesWhere(db: Db, condition: ReturnType<typeof sql>, window: ReturnType<typeof sql>): Promise<Tie[]> {
  const found = await db.execute(sql`
    select mac, ip, extract(epoch from at)::float8 * 1000 as ms from (
      (select mac, ip, at from boot_events where boot_id is null and mac is not null and ip <> ${noAddress} and ${condition} and ${window}
        order by at desc limit ${maxTies})
      union all
      (select mac, ip, at from (select mac, ip, started_at as at from boots where mac is not null and ${condition}) as b
        where ${window} order by at desc limit ${maxTies})) as ties`)
  return rowsOf<{ mac: Mac; ip: string; ms: number }>(found).map(({ mac, ip, ms }) => ({ mac, ip, at: new Date(ms) }))
}

async function eventsWhere(db: Db, condition: ReturnType<typeof sql>, max: number): Promise<BootEvent[]> {
  const rows = await db.select().from(bootEvents).where(condition).orderBy(sql`at desc, id desc`).limit(max)
  return rows.reverse().map(bootEventOf)
}

function macsIn(boots: BootSummary[], events: BootEvent[]): Mac[] {
  const macs = [...boots.map(({ mac }) => mac), ...events.map(({ mac }) => mac)]
  return [...new Set(macs.filter((mac) => mac !== null && mac !== undefined))]
}

function after(column: ReturnType<typeof sql>, since: Date | undefined) {
  return since === undefined ? sql`true` : sql`${column} >= ${since.toISOString()}::timestamptz`
}

function until(column: ReturnType<typeof sql>, before: Date | undefined) {
  return before === undefined ? sql`true` : sql`${column} < ${before.toISOString()}::timestamptz`
}

function listOf(values: string[], type: 'text' | 'uuid' = 'text') {
  return sql`(select value::${sql.raw(type)} from jsonb_array_elements_text(${JSON.stringify(values)}::jsonb))`
}
