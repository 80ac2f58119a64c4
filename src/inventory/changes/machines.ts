// Names the machines that changes are about.

import { inArray, sql } from 'drizzle-orm'
import { validate as isUuid } from 'uuid'
import type { Db } from '../../db/open.ts'
import { machines } from '../../db/schema/machines.ts'
import type { RecordedChange } from './changes.ts'

/** The machine that a change is about, as other systems know it: by its first MAC and its host name. */
export type NamedMachine = { id: string; mac?: string; hostname?: string }

/** A change, with the machine it is about when it is about one. */
export type NamedChange = RecordedChange & { machine?: NamedMachine }

/** Adds the names of machines to changes: the present names, or for deleted machines the names at that time. */
export async function nameMachines(db: Db, changes: RecordedChange[]): Promise<NamedChange[]> {
  const ids = [...new Set(changes.flatMap((change) => machineIdOf(change) ?? []))]
  if (ids.length === 0) return changes
  const rows = await db
    .select({
      id: machines.id,
      hostname: machines.hostname,
      mac: sql<string | null>`(select min(mac) from machine_macs where machine_id = machines.id)`,
    })
    .from(machines)
    .where(inArray(machines.id, ids))
  const found = new Map(rows.map(({ id, ...names }) => [id, named(id, names)]))
  return changes.map((change) => {
    const id = machineIdOf(change)
    return id === undefined ? change : { ...change, machine: found.get(id) ?? goneMachine(id, change) }
  })
}

function machineIdOf({ type, subject, before, after }: RecordedChange): string | undefined {
  const { machineId } = { ...(before as object), ...(after as object) } as { machineId?: string | null }
  // A secret is of a machine, or of `group NAME`.
  const id = machineId ?? (/^(machine|secret)\./.test(type) ? subject : undefined)
  return id !== undefined && isUuid(id) ? id : undefined
}

/** The names of a deleted machine, from the change itself. */
function goneMachine(id: string, { before, after }: RecordedChange): NamedMachine {
  const { mac, macs, hostname } = { ...(before as object), ...(after as object) } as {
    mac?: string
    macs?: string[]
    hostname?: string
  }
  return named(id, { mac: mac ?? macs?.[0], hostname })
}

function named(
  id: string,
  { mac, hostname }: { mac?: string | null | undefined; hostname?: string | null | undefined },
): NamedMachine {
  return { id, ...(mac != null && { mac }), ...(hostname != null && { hostname }) }
}
