// An entry of the roster: a machine with all that decisions need of it, and its row in a statement. Used by the files of
// this folder.
import type { SQL } from 'drizzle-orm'
import { sql } from 'drizzle-orm'
import { isActiveSql } from '../../../db/deployment-conditions.ts'
import { type LatestDeployment, maxArmedDays } from '../../../model/deployment.ts'
import type { Facts } from '../../../model/facts.ts'
import type { Candidate } from '../../../model/identity/identity.ts'
import type { Machine } from '../../../model/machine.ts'

/** A deployment, with the time when it becomes late, in milliseconds since 1970. */
export type RosterDeployment = Omit<LatestDeployment, 'late'> & { lateAt: number }

/** A machine as the roster holds it. Empty lists and objects are left out, because there may be 250,000 entries. */
export type Entry = {
  machine: Omit<Machine, 'macs' | 'name' | 'createdAt' | 'updatedAt' | 'lastSeenAt' | 'labels'> & {
    labels?: Record<string, string>
    createdAt: number
    updatedAt: number
  }
  macs: string[]
  /** Another machine has the same host name, so the host name is not this machine's name. */
  namesake?: true
  claims?: Candidate['claims']
  deployment?: RosterDeployment
  /** Names and sealed values. */
  secrets?: [name: string, sealed: string][]
}

/** A machine that may have sent a request, with all that a decision needs of it. */
export type RosterMachine = Candidate & { deployment: LatestDeployment | undefined; secrets: string[] }

/** A row of a statement that selects `entryColumns`. */
export type EntryRow = {
  machine: Record<string, unknown> & { id: string }
  namesake: boolean
  macs: string[] | null
  claims: Candidate['claims'] | null
  deployment: RosterDeployment | null
  secrets: [string, string][] | null
}

/** The columns of an entry. The statement names its row of `machines` m. */
export const entryColumns: SQL = sql`
  to_jsonb(m) as machine,
  m.hostname is not null and exists (select 1 from machines as other where other.hostname = m.hostname and other.id <> m.id) as namesake,
  (select jsonb_agg(mac order by mac) from machine_macs where machine_id = m.id) as macs,
  (select jsonb_agg(jsonb_build_object('mac', mac, 'facts', facts) order by mac) from identity_claims where machine_id = m.id) as claims,
  (select jsonb_build_object('id', d.id, 'image', d.image, 'version', d.version, 'assignment', d.assignment, 'state', d.state,
      'attempts', d.attempts, 'maxAttempts', d.max_attempts, 'windowSeconds', d.window_seconds, 'reason', d.reason,
      'lateAt', extract(epoch from coalesce(d.started_at + d.window_seconds * interval '1 second',
        d.created_at + ${sql.raw(String(maxArmedDays))} * interval '1 day')) * 1000)
    from deployments as d where d.machine_id = m.id order by ${isActiveSql(sql`d.state`)} desc, d.seq desc limit 1) as deployment,
  (select jsonb_agg(jsonb_build_array(name, sealed) order by name) from secrets where owner_kind = 'machine' and owner = m.id::text) as secrets`

/** The entry of a row. */
export function entryOf(row: EntryRow): Entry {
  const { machine: given, namesake, macs, claims, deployment, secrets } = row
  const text = (name: string) => (typeof given[name] === 'string' ? { [name]: given[name] } : {})
  const labels = given.labels as Record<string, string>
  const machine = {
    ...{ id: given.id, discovered: given.discovered, discoveredFrom: given.discovered_from, denied: given.denied },
    ...{ ...text('uuid'), ...text('serial'), ...text('product'), ...text('asset'), ...text('hostname') },
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(given.assignment !== null && { assignment: given.assignment }),
    facts: given.facts as Facts,
    revision: given.revision,
    createdAt: Date.parse(String(given.created_at)),
    updatedAt: Date.parse(String(given.updated_at)),
  } as Entry['machine']
  return {
    machine,
    macs: macs ?? [],
    ...(namesake && { namesake }),
    ...(claims !== null && { claims }),
    ...(deployment !== null && { deployment }),
    ...(secrets !== null && { secrets }),
  }
}

/** The candidate that an entry is at a time. @param now in milliseconds since 1970, by the clock of the database */
export function candidateOf(
  { machine, macs, namesake, claims, deployment, secrets }: Entry,
  now: number,
): RosterMachine {
  const { hostname, id } = machine
  const name = (namesake ? undefined : hostname) ?? macs[0] ?? id
  return {
    machine: {
      ...machine,
      name,
      macs,
      labels: machine.labels ?? {},
      createdAt: new Date(machine.createdAt),
      updatedAt: new Date(machine.updatedAt),
    },
    claims: claims ?? [],
    deployment: deployment && latestOf(deployment, now),
    secrets: (secrets ?? []).map(([secret]) => secret),
  }
}

function latestOf({ lateAt, ...deployment }: RosterDeployment, now: number): LatestDeployment {
  return { ...deployment, late: lateAt < now }
}
