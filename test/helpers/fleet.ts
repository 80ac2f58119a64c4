// Many fake machines that boot, install, fail, hang, or never come.
import { sql } from 'drizzle-orm'
import type { Db } from '../../src/db/open.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { decide } from '../../src/decide/decision.ts'
import { bootRecordOf, insertBoots } from '../../src/inventory/boots/open-boot.ts'
import { formatRecord } from '../../src/inventory/journal/records.ts'
import { newId } from '../../src/lib/ids/uuid.ts'
import type { Decision } from '../../src/model/decision.ts'
import type { Seen } from '../../src/model/deployment.ts'
import type { Facts } from '../../src/model/facts.ts'
import { testBootKeys } from './boots.ts'
import { createDirectSituation } from './direct-situation.ts'
import { recordReports } from './reports.ts'

/** What a machine does when it is switched on: it ends, fails, stays silent after its start, or never boots. */
export type Conduct = 'good' | 'fails' | 'hangs' | 'absent'

const ip = '192.0.2.1'

export const macOfFleet = (n: number) =>
  `52:54:00:${[n >> 16, n >> 8, n].map((part) => (part & 255).toString(16).padStart(2, '0')).join(':')}`

/** Enters machines with the MACs of their numbers. Returns their ids. */
export async function enterFleet(
  db: Db,
  count: number,
  values: { denied?: (n: number) => boolean } = {},
): Promise<string[]> {
  const rows = Array.from({ length: count }, (_, n) => {
    return { id: newId(), mac: macOfFleet(n), hostname: `n${n}`, denied: values.denied?.(n) ?? false }
  })
  const list = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(id uuid, mac text, hostname text, denied boolean)`
  await db.execute(
    sql`insert into machines (id, discovered, denied, hostname) select id, false, denied, hostname from ${list}`,
  )
  await db.execute(sql`insert into machine_macs (mac, machine_id) select mac, id from ${list}`)
  return rows.map(({ id }) => id)
}

/** A machine boots, and reports these stages. */
export async function bootMachine(db: Db, mac: string, ...reports: Seen[]): Promise<void> {
  const situationOf = createDirectSituation(db)
  const { decision } = decide(await situationOf(factsOf(mac)))
  await recordBoots(db, [{ facts: factsOf(mac), decision, reports: reports.map((seen) => [seen]) }])
}

/** A machine fetches its script, but does not report yet. Returns its boot, which is undefined in the database until `record`. */
export async function fetchScript(db: Db, mac: string) {
  const { decision } = decide(await createDirectSituation(db)(factsOf(mac)))
  const boot = { facts: factsOf(mac), decision, ...testBootKeys() }
  return {
    deployment: decision.deployment?.id,
    /** Writes the boot, as the journal does. */
    record: () => openBoots(db, [boot]),
    report: (seen: Seen) => recordReports(db, [{ bootId: boot.id, seen, ip, message: undefined, ageMs: 0 }]),
  }
}

/** Boots every machine of a rollout that is armed now, each by its conduct. Returns their number. */
export async function bootArmed(
  db: Db,
  rollout: string,
  conductOf: (place: number) => Conduct,
  end: Seen = 'installed',
): Promise<number> {
  const found = await db.execute(sql`
    select place, (select min(mac) from machine_macs where machine_macs.machine_id = m.machine_id) as mac
    from rollout_machines m where rollout_id = ${rollout}::uuid and state = 'armed' order by place`)
  const situationOf = createDirectSituation(db)
  const boots: FakeBoot[] = []
  for (const { place, mac } of rowsOf<{ place: number; mac: string }>(found)) {
    const conduct = conductOf(place)
    if (conduct === 'absent') continue
    const last: Report[] = conduct === 'hangs' ? [] : conduct === 'fails' ? [['failed', 'no disk']] : [[end]]
    const { decision } = decide(await situationOf(factsOf(mac)))
    boots.push({ facts: factsOf(mac), decision, reports: [['ready'], ...last] })
  }
  for (let at = 0; at < boots.length; at += 100) await recordBoots(db, boots.slice(at, at + 100))
  return boots.length
}

type Report = [seen: Seen, message?: string]
type FakeBoot = { facts: Facts; decision: Decision; reports: Report[] }

const factsOf = (mac: string): Facts => ({ mac, platform: 'efi', buildarch: 'x86_64' })

/** Records boots and their reports as the journal does. */
async function recordBoots(db: Db, boots: FakeBoot[]): Promise<void> {
  const opened = boots.map((boot) => ({ ...boot, ...testBootKeys() }))
  await openBoots(db, opened)
  const rounds = Math.max(...opened.map(({ reports }) => reports.length))
  for (let round = 0; round < rounds; round++)
    await recordReports(
      db,
      opened.flatMap(({ id, reports }) => {
        const [seen, message] = reports[round] ?? []
        return seen === undefined ? [] : [{ bootId: id, seen, ip, message, ageMs: 0 }]
      }),
    )
}

async function openBoots(db: Db, boots: { id: string; facts: Facts; decision: Decision }[]): Promise<void> {
  const lines = boots.map(({ id, facts, decision }) => {
    const record = { id, facts, ip, decision, script: '#!ipxe\n', reports: true, token: '' }
    return formatRecord('boot', 0, 0, bootRecordOf(record)).text
  })
  await db.transaction((tx) => insertBoots(tx, `[${lines.join(',')}]`, 0))
}
