// Looks up the situation of a request straight in the database, with one statement of its own: what the roster must agree with.

import { getTableColumns, sql } from 'drizzle-orm'
import { isActiveSql, isLateSql } from '../../src/db/deployment-conditions.ts'
import type { Db } from '../../src/db/open.ts'
import { rowsOf } from '../../src/db/rows.ts'
import { deployments } from '../../src/db/schema/boots.ts'
import { machines } from '../../src/db/schema/machines.ts'
import { loadCatalog } from '../../src/inventory/boots/catalog.ts'
import { foldedText, isSerial } from '../../src/inventory/machines/identity/same-key.ts'
import { nameOfId } from '../../src/inventory/machines/names.ts'
import type { FindSituation } from '../../src/inventory/roster/roster.ts'
import type { Situation } from '../../src/model/decision.ts'
import type { LatestDeployment } from '../../src/model/deployment.ts'
import type { Facts } from '../../src/model/facts.ts'
import { type Candidate, identify, identityKeys } from '../../src/model/identity/identity.ts'
import type { Machine } from '../../src/model/machine.ts'

/** The limit of machines with the same UUID or serial as one request: with two of them the value identifies nothing. */
const maxOfEach = 4

/** The look-up in a database, with nothing in memory. */
export function createDirectSituation(db: Db): FindSituation {
  return async (facts, supposed) => {
    const [found] = await findMany(db, [facts])
    const { today, candidates, groupSecrets } = found as Found
    const identity = identify(facts, candidates)
    const candidate =
      'machine' in identity ? candidates.find(({ machine }) => machine.id === identity.machine.id) : undefined
    const remembered = 'machine' in identity && identity.weak === undefined ? identity.machine.facts : {}
    const deployment = supposed ?? candidate?.deployment
    return {
      facts: { ...remembered, ...facts },
      identity,
      deployment,
      secrets: { machine: candidate?.secrets ?? [], groups: groupSecrets },
      catalog: await loadCatalog(db),
      today,
    } satisfies Situation
  }
}

type FoundMachine = Candidate & { deployment: LatestDeployment | undefined; secrets: string[] }
type Found = { revision: number; today: string; candidates: FoundMachine[]; groupSecrets: Record<string, string[]> }
type FoundRow = {
  n: number
  revision: string
  today: string
  group_secrets: Record<string, string[]> | null
  machine: (Record<string, unknown> & { id: string }) | null
  macs: string[] | null
  name: string
  claims: Candidate['claims'] | null
  deployment: LatestDeployment | null
  secrets: string[] | null
}

async function findMany(db: Db, asked: Facts[]): Promise<Found[]> {
  const rows = rowsOf<FoundRow>(
    await db.execute(sql`
    select asked.n, (select revision from catalog) as revision, to_char(now() at time zone 'utc', 'YYYY-MM-DD') as today,
      (select jsonb_object_agg(owner, names) from
        (select owner, jsonb_agg(name order by name) as names from secrets where owner_kind = 'group' group by owner) as g) as group_secrets,
      to_jsonb(m) as machine, ${nameOfId(sql`m.id`)} as name,
      array(select mac from machine_macs where machine_id = m.id order by mac) as macs,
      (select jsonb_agg(jsonb_build_object('mac', mac, 'facts', facts) order by mac) from identity_claims where machine_id = m.id) as claims,
      (select jsonb_build_object('id', id, 'image', image, 'version', version, 'assignment', assignment, 'state', state, 'attempts', attempts,
          'maxAttempts', max_attempts, 'windowSeconds', window_seconds, 'reason', reason, 'late', ${isLateSql(deployments)})
        from deployments where machine_id = m.id
        order by ${isActiveSql(deployments.state)} desc, deployments.seq desc limit 1) as deployment,
      array(select name from secrets where owner_kind = 'machine' and owner = m.id::text order by name) as secrets
    from jsonb_to_recordset(${JSON.stringify(asked.map(keysOf))}::jsonb)
      as asked(n int, mac text, uuids jsonb, serial text, product text)
    left join lateral (
      select machines.* from (
          select id, min(rank) as rank from (
            select machine_id as id, 1 as rank from machine_macs where mac = asked.mac
            union all (select id, 2 from machines where uuid = asked.uuids ->> 0 order by discovered, id limit ${maxOfEach})
            union all (select id, 2 from machines where uuid = asked.uuids ->> 1 order by discovered, id limit ${maxOfEach})
            union all (select id, 2 from machines where ${isSerial(sql`asked.serial`, sql`asked.product`)} order by discovered, id limit ${maxOfEach})
            union all (select id, 3 from machines where facts ->> 'uuid' = asked.uuids ->> 0 order by discovered, id limit ${maxOfEach})
            union all (select id, 3 from machines where facts ->> 'uuid' = asked.uuids ->> 1 order by discovered, id limit ${maxOfEach})
            union all (select id, 3 from machines where ${foldedText(sql`facts ->> 'serial'`)} = ${foldedText(sql`asked.serial`)}
              and ${foldedText(sql`facts ->> 'product'`)} = ${foldedText(sql`asked.product`)} order by discovered, id limit ${maxOfEach})
          ) as found group by id
        ) as keys join machines on machines.id = keys.id
      order by keys.rank, machines.id) as m on true`),
  )
  const found = asked.map((): Found => ({ revision: 0, today: '', candidates: [], groupSecrets: {} }))
  for (const row of rows) {
    const result = found[row.n] as Found
    result.revision = Number(row.revision)
    result.today = row.today
    result.groupSecrets = row.group_secrets ?? {}
    if (row.machine === null) continue
    const machine = { ...machineFrom(row.machine, row.macs ?? []), name: row.name }
    result.candidates.push({
      machine,
      claims: row.claims ?? [],
      deployment: row.deployment ?? undefined,
      secrets: row.secrets ?? [],
    })
  }
  return found
}

function keysOf(facts: Facts, n: number) {
  return { n, ...identityKeys(facts) }
}

// A row that came as JSON has the names of the columns, and its times as text.
const columns = Object.entries(getTableColumns(machines)).map(([key, { name, dataType }]) => ({ key, name, dataType }))

function machineFrom(row: Record<string, unknown>, macs: string[]): Machine {
  const values = columns
    .map(({ key, name, dataType }) => [key, dataType === 'date' ? dateOf(row[name]) : row[name]])
    .filter(([, value]) => value !== null && value !== undefined)
  return { ...Object.fromEntries(values), macs } as Machine
}

function dateOf(value: unknown): Date | undefined {
  return typeof value === 'string' ? new Date(value) : undefined
}
