// The MAC addresses of machines. A MAC belongs to one machine.
import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { boots } from '../../db/schema/boots.ts'
import { machineMacs, machines } from '../../db/schema/machines.ts'
import { ConflictError } from '../../lib/errors.ts'
import type { Mac } from '../../lib/ids/mac.ts'
import type { MachineSource } from '../../model/identity/field-owners.ts'
import { namesOfMachines } from './names.ts'

/** The MACs of a row of machines, in order. */
export const macsOf = sql<string[]>`array(select mac from machine_macs where machine_id = machines.id order by mac)`
/** The owners that name it, with its ids there. */
export const sourcesOf = sql<MachineSource[] | null>`(
  select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('owner', owner, 'externalId', external_id)) order by owner)
  from machine_sources where machine_id = machines.id)`

/** Replaces the MACs of a machine. @throws ConflictError if another entered machine has a new MAC */
export async function replaceMacs(db: Db, machineId: string, before: Mac[], after: Mac[]): Promise<void> {
  const gone = before.filter((mac) => !after.includes(mac))
  const fresh = after.filter((mac) => !before.includes(mac))
  if (gone.length > 0) await db.delete(machineMacs).where(inArray(machineMacs.mac, gone))
  if (fresh.length === 0) return
  await takeOverDiscovered(db, machineId, fresh)
  const added = await db
    .insert(machineMacs)
    .values(fresh.map((mac) => ({ mac, machineId })))
    .onConflictDoNothing()
    .returning()
  if (added.length === fresh.length) return
  const taken = fresh.filter((mac) => !added.some((row) => row.mac === mac))
  const owners = await db.select().from(machineMacs).where(inArray(machineMacs.mac, taken))
  const names = await namesOfMachines(
    db,
    owners.map((owner) => owner.machineId),
  )
  const faults = owners.map((owner) => {
    const name = names.get(owner.machineId)
    return `MAC ${owner.mac} already belongs to machine ${name}: bootwright machine set ${name} --remove-mac ${owner.mac}`
  })
  throw new ConflictError(faults.join('; ') || `another machine already has MAC ${taken.join(', ')}`)
}

/** A machine seen by one of its network cards, before an operator entered it with all of them, is the same machine. */
export async function takeOverDiscovered(db: Db, machineId: string, macs: Mac[]): Promise<void> {
  const owners = db.select({ id: machineMacs.machineId }).from(machineMacs).where(inArray(machineMacs.mac, macs))
  const seen = and(eq(machines.discovered, true), inArray(machines.id, owners))
  await db
    .update(boots)
    .set({ machineId })
    .where(inArray(boots.machineId, db.select({ id: machines.id }).from(machines).where(seen)))
  await db.delete(machines).where(seen)
}
