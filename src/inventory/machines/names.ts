// Names of machines in lists and messages, and ambiguous keys.

import { eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { machineMacs, machines } from '../../db/schema/machines.ts'
import { ConflictError, NotFoundError } from '../../lib/errors.ts'
import type { Mac } from '../../lib/ids/mac.ts'
import { keyText, type MachineKey } from '../../model/machine.ts'

export function noMachine(key: MachineKey): NotFoundError {
  return new NotFoundError(`there is no machine ${keyText(key)}`)
}

/** A key fits several machines. A client that may not see all machines gets `brief`, without the others. */
export class AmbiguousError extends ConflictError {
  override name = 'AmbiguousError'
  readonly brief: string
  constructor(what: string, machines: string) {
    const nextStep = 'Next step: use the MAC of one machine'
    super(`several machines have the ${what}: ${machines}. ${nextStep}`)
    this.brief = `several machines have the ${what}. ${nextStep}`
  }
}

/** @throws AmbiguousError when a key fits several machines */
export function refuseAmbiguous(key: MachineKey, found: { id: string; macs: Mac[] }[]): void {
  if (found.length < 2) return
  const what = 'hostname' in key ? 'host name' : 'UUID'
  const all = found.map(({ id, macs }) => macs[0] ?? id).join(' and ')
  throw new AmbiguousError(`${what} ${keyText(key)}`, all)
}

/**
 * What every list and message calls a machine: its host name where no other machine has that, else a MAC, else its id.
 * @param id of the machine, as SQL
 */
export function nameOfId(id: SQL): SQL<string> {
  return sql<string>`coalesce(
    (select named.hostname from machines as named where named.id = ${id} and not exists
      (select 1 from machines as other where other.hostname = named.hostname and other.id <> named.id)),
    (select min(mac) from machine_macs where machine_id = ${id}), ${id}::text)`
}
export const nameColumn = nameOfId(sql`${machines.id}`)

/** The names of machines, by their ids. */
export async function namesOfMachines(db: Db, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .select({ id: machines.id, name: nameColumn })
    .from(machines)
    .where(inArray(machines.id, [...new Set(ids)]))
  return new Map(rows.map(({ id, name }) => [id, name]))
}

/** One MAC (or the id) of each other machine with the same host name, at most ten. */
export async function namesakesOf(db: Db, { id, hostname }: { id: string; hostname?: string }): Promise<string[]> {
  if (hostname === undefined) return []
  const rows = await db
    .select({ id: machines.id, mac: sql<Mac | null>`min(${machineMacs.mac})` })
    .from(machines)
    .leftJoin(machineMacs, eq(machineMacs.machineId, machines.id))
    .where(sql`${machines.hostname} = ${hostname} and ${machines.id} <> ${id}`)
    .groupBy(machines.id)
    .orderBy(machines.id)
    .limit(10)
  return rows.map(({ id: other, mac }) => mac ?? other)
}
