// Merges two machines.

import { and, eq, sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { boots } from '../../db/schema/boots.ts'
import { machineMacs, machineMerges, machines, secrets } from '../../db/schema/machines.ts'
import type { Tx } from '../../db/transaction.ts'
import { ConflictError, InputError } from '../../lib/errors.ts'
import type { Machine, MachineKey } from '../../model/machine.ts'
import { type Actor, recordChanges } from '../changes/changes.ts'
import { joinedValues, rowValuesOf, valuesOf } from './fields.ts'
import { auditViewOf, countRevision, findMachine, lockMachine } from './machines.ts'
import { noMachine } from './names.ts'

/**
 * Merges two machines. `into` keeps its values, takes missing values from `from`, and takes over its MACs, boots, deployments and
 * secrets, and its power setting if it has none. The id of `from` then finds `into`.
 * @throws NotFoundError; InputError when they are the same; ConflictError when both are being installed
 */
export async function mergeMachines(db: Db, into: MachineKey, from: MachineKey, by: Actor): Promise<Machine> {
  return db.transaction(async (tx) => {
    const target = await lockMachine(tx, into)
    const source = await lockMachine(tx, from)
    if (target === undefined || source === undefined) throw noMachine(target === undefined ? into : from)
    if (target.id === source.id)
      throw new InputError({
        field: 'from',
        value: source.id,
        expected: 'a machine other than the target of the merge',
      })
    await moveBelongings(tx, source.id, target.id)
    await tx.delete(machines).where(eq(machines.id, source.id))
    const macs = source.macs.map((mac) => ({ mac, machineId: target.id }))
    if (macs.length > 0) await tx.insert(machineMacs).values(macs)
    await tx.insert(machineMerges).values({ fromId: source.id, intoId: target.id })
    await tx
      .update(machines)
      .set({
        ...rowValuesOf(joinedValues(valuesOf(target), valuesOf(source))),
        facts: { ...source.facts, ...target.facts },
        discovered: target.discovered && source.discovered,
        owners: { ...source.owners, ...target.owners },
      })
      .where(eq(machines.id, target.id))
    const machine = await countRevision(tx, (await findMachine(tx, { id: target.id })) as Machine)
    await recordChanges(tx, [
      {
        actor: by,
        type: 'machine.merged',
        subject: target.id,
        before: auditViewOf(target),
        after: auditViewOf(machine),
      },
      { actor: by, type: 'machine.deleted', subject: source.id, before: auditViewOf(source) },
    ])
    return machine
  })
}

async function moveBelongings(tx: Tx, from: string, to: string): Promise<void> {
  const active = await tx.execute(sql`
    select 1 from deployments where machine_id in (${from}, ${to}) and ${isActiveSql(sql`state`)}`)
  if (rowsOf(active).length > 1)
    throw new ConflictError('both machines have active deployments. Next step: bootwright deployment cancel ID')
  await tx.execute(sql`update deployments set machine_id = ${to} where machine_id = ${from}`)
  await tx.update(boots).set({ machineId: to }).where(eq(boots.machineId, from))
  await tx.execute(sql`
    update machine_sources set machine_id = ${to} where machine_id = ${from}
      and owner not in (select owner from machine_sources where machine_id = ${to})`)
  await tx.update(machineMerges).set({ intoId: to }).where(eq(machineMerges.intoId, from))
  await tx.execute(sql`
    update power_requests set state = 'cancelled', message = 'the machine was merged into another', ended_at = now()
    where machine_id = ${from} and ended_at is null`)
  await tx.execute(sql`update power_requests set machine_id = ${to} where machine_id = ${from}`)
  await tx.execute(sql`
    update machine_power set machine_id = ${to} where machine_id = ${from}
      and not exists (select 1 from machine_power where machine_id = ${to})`)
  await tx.execute(sql`
    update secrets set owner = ${to} where owner_kind = 'machine' and owner = ${from}
      and name not in (select name from secrets where owner_kind = 'machine' and owner = ${to})`)
  await tx.delete(secrets).where(and(eq(secrets.ownerKind, 'machine'), eq(secrets.owner, from)))
}
